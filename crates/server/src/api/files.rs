//! Videos that are there and could become jobs: what lies in a folder, and what each of them is.

use std::path::PathBuf;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use coordinator::{EntryKind, NotNamed, VideoFacts, rfc3339};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::frames::refused;
use crate::extract::Query;
use crate::problem::{Problem, Problems};

/// Entries of a page where the request does not say.
const PAGE: usize = 200;
/// Most entries of a page.
const LARGEST_PAGE: usize = 500;
/// Widths of frames that can be asked for.
const WIDTHS: std::ops::RangeInclusive<u32> = 96..=4096;
/// The width of a frame where the request does not say.
const WIDTH: u32 = 960;

/// Which folder is wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderQuery {
    /// The folder, below that of the server and with `/` between its parts; that of the server where it is left out.
    #[param(example = "input/series")]
    folder: Option<String>,
    /// So many entries at most; 200 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// Where the page begins: `next` of the page before.
    after: Option<String>,
}

/// A page of what lies in a folder: folders and videos. Links and hidden files are left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FolderPage {
    /// The folder, below that of the server.
    folder: String,
    /// Folders, then videos, by their names.
    entries: Vec<FolderEntry>,
    /// What `after` is for the next page; null on the last one.
    next: Option<String>,
    /// How many entries all pages have.
    total: usize,
}

/// A folder or a video.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FolderEntry {
    /// What it is.
    kind: FolderEntryKind,
    /// Its name in its folder.
    name: String,
    /// Its path below the folder of the server, by which requests name it.
    path: String,
    /// Bytes of a video.
    size: Option<u64>,
    /// When the content of a video last changed.
    #[schema(format = DateTime)]
    modified: Option<String>,
    /// The jobs of a video, the earliest first.
    jobs: Vec<FileJob>,
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FolderEntryKind {
    /// A folder.
    Folder,
    /// A file that its name says to be a video.
    Video,
}

/// A job of a video.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileJob {
    /// Its number.
    id: i64,
    /// As a job's status is.
    status: &'static str,
}

/// Browse the videos on the server
#[utoipa::path(get, path = "/files", tag = "files", params(FolderQuery),
    responses((status = OK, body = FolderPage), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "`bad_path`: no name of a folder below that of the server", body = Problem, content_type = "application/problem+json"), Problems))]
pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<FolderQuery>,
) -> Result<axum::Json<FolderPage>, Problem> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {LARGEST_PAGE}")));
    }
    let (tree, folder) = (api.tree.clone(), query.folder.unwrap_or_default());
    let (named, after) = (folder.clone(), query.after);
    let listing = blocking(move || tree.list(&named, after.as_deref(), limit)).await??;
    let mut entries = Vec::with_capacity(listing.entries.len());
    for entry in listing.entries {
        let name = entry.name.rsplit('/').next().unwrap_or_default().to_owned();
        entries.push(match entry.kind {
            EntryKind::Folder => FolderEntry {
                kind: FolderEntryKind::Folder,
                name,
                path: entry.name,
                size: None,
                modified: None,
                jobs: Vec::new(),
            },
            EntryKind::Video { size, modified } => {
                let jobs = api.handle.jobs_of(&api.about.root.join(&entry.name)).await?;
                FolderEntry {
                    kind: FolderEntryKind::Video,
                    name,
                    path: entry.name,
                    size: Some(size),
                    modified: Some(rfc3339(modified)),
                    jobs: jobs.into_iter().map(|(id, status)| FileJob { id: id.0, status }).collect(),
                }
            }
        });
    }
    Ok(axum::Json(FolderPage { folder, entries, next: listing.next, total: listing.total }))
}

/// A video: a file below the folder of the server, or an upload that waits for a decision. One of both is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VideoQuery {
    /// The path of the file below the folder of the server, with `/` between its parts.
    #[param(example = "input/film.mkv")]
    pub(crate) file: Option<String>,
    /// What the upload is called; it was begun with `hold` and is whole.
    pub(crate) upload: Option<String>,
    /// The number of the video's stream in the file; the film where it is left out.
    pub(crate) stream: Option<u32>,
}

/// What the head of a video says.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Video {
    /// FFmpeg's name of the codec.
    codec: String,
    /// Pixels in a row, as stored.
    width: u32,
    /// Rows, as stored.
    height: u32,
    /// Pixels in a row as players show it: upright, with square pixels.
    shown_width: u32,
    /// Rows as players show it.
    shown_height: u32,
    /// How long it says it lasts.
    seconds: Option<f64>,
    /// Frames a second, as far as it says; it may be wrong.
    frames_per_second: Option<f64>,
    /// It says that its frames consist of two fields.
    interlaced: bool,
    /// It has a larger range of brightness than usual screens show.
    hdr: bool,
    /// Sound tracks.
    sound: u32,
    /// Subtitle tracks.
    subtitles: u32,
    /// It states more than it holds: what it states and what is there.
    unfinished: Option<String>,
    /// It is a result of this program, and says how it was made.
    made_by: Option<String>,
}

impl Video {
    fn new(facts: VideoFacts) -> Self {
        let (wide, high) = match facts.pixel {
            (0, _) | (_, 0) => (1, 1),
            pixel => pixel,
        };
        let stretched = f64::from(facts.width) * f64::from(wide) / f64::from(high);
        let shown = (stretched.round().max(1.0) as u32, facts.height);
        let (shown_width, shown_height) = if facts.is_turned { (shown.1, shown.0) } else { shown };
        Self {
            codec: facts.codec,
            width: facts.width,
            height: facts.height,
            shown_width,
            shown_height,
            seconds: facts.seconds,
            frames_per_second: facts.frames_per_second,
            interlaced: facts.is_interlaced,
            hdr: facts.is_hdr,
            sound: facts.sound,
            subtitles: facts.subtitles,
            unfinished: facts.unfinished,
            made_by: facts.made_by,
        }
    }
}

/// What a video is
#[utoipa::path(get, path = "/files/video", tag = "files", params(VideoQuery),
    responses((status = OK, body = Video), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "`bad_path`, or `no_video`", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn video(
    State(api): State<Api>,
    Query(query): Query<VideoQuery>,
) -> Result<axum::Json<Video>, Response> {
    let source = found(&api, &query).await.map_err(Problem::into_response)?;
    let facts = api.handle.look(&source, query.stream).await;
    Ok(axum::Json(Video::new(facts.map_err(no_video)?)))
}

/// Which frame of a video is wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MomentQuery {
    /// The path of the file below the folder of the server.
    file: Option<String>,
    /// What the upload is called.
    upload: Option<String>,
    /// The number of the video's stream in the file.
    stream: Option<u32>,
    /// When the frame is shown, in seconds from the beginning.
    #[param(minimum = 0)]
    at: f64,
    /// So many pixels in a row at most, with square pixels; 960 where it is left out.
    #[param(minimum = 96, maximum = 4096)]
    width: Option<u32>,
}

/// A frame of a video
///
/// It is found fast: interlaced video is shown as it is stored.
#[utoipa::path(get, path = "/files/frame", tag = "files", params(MomentQuery),
    responses((status = OK, body = Vec<u8>, content_type = "image/jpeg"), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "`bad_path`, or `no_video`", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json", description = "`busy`, with `Retry-After`"), Problems))]
pub(crate) async fn frame(
    State(api): State<Api>,
    Query(query): Query<MomentQuery>,
) -> Result<Response, Response> {
    let MomentQuery { file, upload, stream, at, width } = query;
    let width = width.unwrap_or(WIDTH);
    let bad = |detail: String| Problem::bad_request(detail).into_response();
    if !WIDTHS.contains(&width) {
        return Err(bad(format!("width is {} to {}", WIDTHS.start(), WIDTHS.end())));
    }
    let seconds = time(at).map_err(Problem::into_response)?;
    let query = VideoQuery { file, upload, stream };
    let source = found(&api, &query).await.map_err(Problem::into_response)?;
    let previewer = api.handle.previewer().map_err(refused)?;
    let picture = previewer.moment(&source, stream, seconds, width).await.map_err(no_video)?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], picture.to_vec()).into_response())
}

/// A time of a film that can be.
pub(crate) fn time(seconds: f64) -> Result<f64, Problem> {
    let is_time = (0.0..=1e9).contains(&seconds);
    if is_time { Ok(seconds) } else { Err(Problem::bad_request("at is a number of seconds from 0 on")) }
}

/// The file that a request names.
pub(crate) async fn found(api: &Api, query: &VideoQuery) -> Result<PathBuf, Problem> {
    match (&query.file, &query.upload) {
        (Some(file), None) => {
            let (tree, file) = (api.tree.clone(), file.clone());
            Ok(blocking(move || tree.file(&file)).await??)
        }
        (None, Some(upload)) => api.uploads.held_file(upload).await,
        _ => Err(Problem::unprocessable("no_source", "name a video: either its `file`, or its `upload`")),
    }
}

/// What may wait for a disk, beside all else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
}

impl From<NotNamed> for Problem {
    fn from(error: NotNamed) -> Self {
        let detail = error.to_string();
        match error {
            NotNamed::BadName { .. } => Self::unprocessable("bad_path", detail),
            NotNamed::NotThere { .. } => Self::not_found("no_file", detail),
            NotNamed::Unreadable { .. } => Self::unprocessable("unreadable", detail),
        }
    }
}

/// Why a video is not shown: what a worker cannot open is the fault of the file.
pub(crate) fn no_video(error: coordinator::ViewError) -> Response {
    match error {
        coordinator::ViewError::Failed(notice) | coordinator::ViewError::NoPicture(notice) => {
            Problem::unprocessable("no_video", notice.text).into_response()
        }
        other => refused(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_is_told_as_it_is_shown() {
        let facts = |pixel, is_turned| VideoFacts {
            codec: "h264".to_owned(),
            width: 720,
            height: 576,
            is_turned,
            pixel,
            seconds: None,
            frames_per_second: None,
            is_interlaced: false,
            is_hdr: false,
            sound: 1,
            subtitles: 0,
            unfinished: None,
            made_by: None,
        };
        for (pixel, is_turned, shown) in [
            ((1, 1), false, (720, 576)),
            ((16, 15), false, (768, 576)),
            ((0, 0), false, (720, 576)),
            ((16, 15), true, (576, 768)),
        ] {
            let video = Video::new(facts(pixel, is_turned));
            assert_eq!((video.shown_width, video.shown_height), shown, "{pixel:?}");
        }
        assert!(time(f64::NAN).is_err() && time(-1.0).is_err() && time(f64::INFINITY).is_err());
    }
}
