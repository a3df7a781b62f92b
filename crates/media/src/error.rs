//! What can go wrong with a media file, and what to do about it.

use std::io;

use frame::Size;

/// Why a media file could not be read, converted or written. Each message gives the cause and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No file has this name.
    #[error("the file does not exist: it may have been moved or renamed since it was chosen")]
    NotFound,
    /// The operating system refuses to read the file.
    #[error("the file cannot be read ({0}): check its permissions and the disk that it is on")]
    Unreadable(#[source] io::Error),
    /// A folder or a device was named instead of a file.
    #[error("it is not a regular file: name a video file")]
    NotAFile,
    /// The file has no content.
    #[error("the file is empty (0 bytes): copy it again")]
    Empty,
    /// No demuxer can open the file.
    #[error("it is not a video that FFmpeg can open ({reason}): the file may be cut off or of another kind")]
    NotAVideo {
        /// What FFmpeg says.
        reason: String,
    },
    /// A demuxer knows the file, but it is not one of those that are allowed.
    #[error("files of the format `{format}` are not accepted: convert it to MP4 or Matroska first")]
    FormatNotAllowed {
        /// FFmpeg's name of the format.
        format: String,
    },
    /// There is sound or other data, but no video.
    #[error("the file has no video stream: only videos can be upscaled")]
    NoVideoStream,
    /// The stream that was chosen is no video.
    #[error("stream {0} is no video of this file: choose one of its video streams ({videos})", videos = numbers(.1))]
    NotAVideoStream(usize, Vec<usize>),
    /// One picture, not a video.
    #[error("it is a still picture, not a video: only videos can be upscaled")]
    StillPicture,
    /// A film in a format of pictures that FFmpeg does not read.
    #[error("it is an animated WebP, which FFmpeg cannot read: convert it to GIF, APNG or a video first")]
    AnimatedWebp,
    /// There is a video stream, but not one frame in it.
    #[error("the video stream has no frames: the file may be cut off or damaged")]
    NoFrames,
    /// This FFmpeg has no decoder for the video.
    #[error("this FFmpeg cannot decode the video codec `{codec}`: convert the file to another codec first")]
    UndecodableCodec {
        /// FFmpeg's name of the codec.
        codec: String,
    },
    /// The decoder gives pictures that cannot be converted.
    #[error(
        "pictures of the pixel format `{0}` cannot be converted: convert the file to another codec first"
    )]
    UnsupportedPixelFormat(String),
    /// The picture is larger than this program is willing to allocate.
    #[error("the pictures are too large ({0}): videos of up to {max} pixels a picture are accepted", max = crate::MAX_PIXELS)]
    TooLarge(Size),
    /// The video has more frames than can be handled.
    #[error("the video has more than {max} frames: split it into parts", max = crate::MAX_FRAMES)]
    TooManyFrames,
    /// The pictures change without end.
    #[error(
        "the picture changes its kind more often than any film does: the file is damaged; use a better copy"
    )]
    TooManyChanges,
    /// The decoder gives another picture than it did when the list was made.
    #[error(
        "the decoder gives another picture for frame {0} than when the file was read first: the file is damaged there, \
         or changes while it is read; index it again by decoding"
    )]
    OtherPicture(u32),
    /// The pictures are Dolby Vision of a kind that cannot be shown without its metadata.
    #[error(
        "the video is Dolby Vision profile {profile}, {}: use a copy with an HDR10, HLG or SDR base (profile 7, 8.1 or 8.4)",
        if *.has_base { "whose colours need its dynamic metadata, which are not read here" } else { "without its base layer" }
    )]
    DolbyVision {
        /// Its profile.
        profile: String,
        /// There are pictures at all.
        has_base: bool,
    },
    /// The pictures change in a way that one film cannot have.
    #[error("the picture changes at frame {frame} from {before} to {after}: split the file there first")]
    PictureChanged {
        /// Number of the first frame that is different.
        frame: u32,
        /// What they are like before.
        before: String,
        /// What they are like from this frame on.
        after: String,
    },
    /// Pictures cannot be brought to a size.
    #[error("pictures cannot be brought from {from} to {to} ({reason}): choose another size for the result")]
    Resize {
        /// Their size.
        from: Size,
        /// The size that they should have.
        to: Size,
        /// Why not.
        reason: String,
    },
    /// The decoder does not give the frames of the frame list.
    #[error(
        "the decoder does not give the frames of the list: frame {frame} should have the time {expected:?}, \
         and is {got:?} (in ticks): the file is damaged there; index it again by decoding"
    )]
    FramesDiffer {
        /// Number of the first frame that is different.
        frame: u32,
        /// The time in the list; `None` when the list ends before this frame.
        expected: Option<i64>,
        /// The time that the decoder gave; `None` when the video ended.
        got: Option<i64>,
    },
    /// What is wanted of an interlaced video cannot be done with it.
    #[error("the video cannot be deinterlaced like this ({0})")]
    Fields(String),
    /// A part of the pictures was asked for that they have not.
    #[error(
        "the crop {area} is not inside the picture of {size}: choose WIDTH:HEIGHT:LEFT:TOP within it, or auto"
    )]
    Crop {
        /// What was asked for.
        area: String,
        /// The size of the pictures.
        size: Size,
    },
    /// A part of the pictures was asked for that is too small.
    #[error("the crop {0} leaves too little of the picture: choose a larger one, or auto")]
    CropTooSmall(String),
    /// A part of the film was asked for that has no frames.
    #[error("no frame of the film is in the part that was asked for ({0})")]
    NoSuchPart(String),
    /// The disk is full.
    #[error("there is no space left on the disk: free some space, and it can go on")]
    NoSpace,
    /// Writing failed for another reason than a full disk.
    #[error("writing failed ({0}): check the disk and its permissions")]
    Write(#[source] io::Error),
    /// An encoder could not be opened or failed.
    #[error("the encoder `{encoder}` failed ({reason}): choose another encoder or other settings")]
    Encoder {
        /// FFmpeg's name of the encoder.
        encoder: String,
        /// What FFmpeg says.
        reason: String,
    },
    /// Packets that do not belong to the frame list were handed to the join.
    #[error("the encoded packets do not fit the frame list ({0}): encode the segments again")]
    PacketsDiffer(String),
    /// A stream of the source can be held by none of the containers.
    #[error("stream {stream} ({codec}) of the source cannot be kept: {reason}")]
    StreamNotHeld {
        /// Index of the stream in the source.
        stream: usize,
        /// FFmpeg's name of its codec.
        codec: String,
        /// Why not.
        reason: String,
    },
    /// A finished file or segment is not what it should be.
    #[error("the result is not right ({0}): it must be made again")]
    Verification(String),
    /// Anything else that FFmpeg refuses to do.
    #[error("FFmpeg failed to {doing} ({reason}): the file may be damaged, or this FFmpeg lacks a part")]
    Ffmpeg {
        /// What was being done.
        doing: &'static str,
        /// What FFmpeg says.
        reason: String,
    },
}

/// Numbers of streams, in words.
fn numbers(streams: &[usize]) -> String {
    if streams.is_empty() {
        return "it has none".to_owned();
    }
    streams.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// The error for a failed write.
    pub(crate) fn write(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Write(error),
        }
    }
}
