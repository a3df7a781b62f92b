// The API's types under short names.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Job = Schemas['Job'];
export type Progress = Schemas['Progress'];
export type Details = Schemas['Details'];
export type Attempt = Schemas['Attempt'];
export type Notice = Schemas['Notice'];
export type Counts = Schemas['JobCounts'];
export type JobPage = Schemas['JobPage'];
export type WaitingFile = Schemas['File'];
export type Segment = Schemas['Segment'];
export type Outcome = Schemas['JobOutcome'];
export type Action = Schemas['Action'];
export type Priority = Schemas['Priority'];
export type Position = Schemas['Position'];
export type Parts = Schemas['Parts'];
export type System = Schemas['System'];
export type Problem = Schemas['Problem'];
export type Session = Schemas['Session'];
export type Scope = Schemas['Scope'];
export type Token = Schemas['Token'];
export type CreatedToken = Schemas['CreatedToken'];
export type FolderPage = Schemas['FolderPage'];
export type FolderEntry = Schemas['FolderEntry'];
export type Video = Schemas['Video'];
export type Model = Schemas['Model'];
export type Encoder = Schemas['Encoder'];
export type JobSettings = Schemas['JobSettings'];
export type NewJob = Schemas['NewJob'];
export type Preview = Schemas['Preview'];
export type Estimate = Schemas['Estimate'];
export type ServerSettings = Omit<Schemas['ServerSettings'], 'file'> & { file: Record<string, unknown> };
export type Webhook = Schemas['Webhook'];
export type WebhookTested = Schemas['WebhookTested'];
export type Mistake = Schemas['Mistake'];
export type Finding = Schemas['Finding'];
export type LogLine = Schemas['LogLine'];
export type LogPage = Schemas['LogPage'];
export type Setting = Schemas['Setting'];
export type SettingChange = Schemas['SettingChange'];
export type SettingsChanged = Omit<Schemas['SettingsChanged'], 'settings'> & { settings: ServerSettings };
export type UploadOnServer = Schemas['Upload'];

/** What an event says of a job. The description of the API lists no events, since they are no answers. */
export interface JobChanged {
  number: number;
  job: number;
  at: string;
  what: { kind?: string } | string;
}

/** A stream as a report has it. */
export interface Stream {
  index: number;
  kind: string;
  codec: string;
  language?: string;
  title?: string;
}

/** A file as a report has it. */
export interface ReportSide {
  path?: string;
  bytes?: number | null;
  size?: string | null;
  format?: string;
  streams?: Stream[];
}

/** A report, as far as it is shown; one of another version may lack any of it. */
export interface Report {
  version?: string;
  source?: ReportSide;
  result?: ReportSide;
  model?: { name?: string; checksum?: string | null };
  encoder?: { encoder?: string; pixel_format?: string; quality?: number | null; preset?: string | null; refused?: string[] };
  engine?: string;
  frames?: number | null;
  frames_per_second?: number | null;
  filled?: { first: number; end: number }[];
  notes?: string[];
  checks?: { frames_decoded?: number; largest_time_error_milliseconds?: number };
  subtitle_files?: { taken?: string[]; notes?: string[] };
}
