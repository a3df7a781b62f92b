//! Filter graphs with one input and one output.

use std::ffi::CStr;
use std::ptr;

use frame::{Rational, Size};

use super::frame::RawFrame;
use super::pixel::PixelFormat;
use super::{c_text, check, ffi, is_again, out_of_memory};
use crate::Error;

/// Whether pictures may be converted between filters that take different formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formats {
    /// FFmpeg inserts what is needed.
    Convert,
    /// The graph cannot be set up then, and every picture comes out in the format in which it goes in.
    Keep,
}

/// A filter graph: frames go in, frames come out.
#[derive(Debug)]
pub(crate) struct Graph {
    filters: *mut ffi::AVFilterGraph,
    source: *mut ffi::AVFilterContext,
    sink: *mut ffi::AVFilterContext,
}

// SAFETY: a filter graph may be used by one thread after another.
unsafe impl Send for Graph {}

impl Graph {
    /// Sets up the filters `description` (in FFmpeg's notation) for frames of one format and size, one of which comes out
    /// for each that goes in: see [`run`](Self::run).
    pub(crate) fn new(format: PixelFormat, size: Size, description: &str) -> Result<Self, Error> {
        Self::of_sequence(format, size, Rational::new(1000, 1), description, Formats::Convert)
    }

    /// Sets up filters that look at more than one frame: see [`send`](Self::send) and [`receive`](Self::receive). `rate`
    /// is for filters that ask for one; the times of frames are whatever goes in.
    pub(crate) fn of_sequence(
        format: PixelFormat,
        size: Size,
        rate: Rational,
        description: &str,
        formats: Formats,
    ) -> Result<Self, Error> {
        let arguments = format!(
            "video_size={}x{}:pix_fmt={}:time_base=1/1000:pixel_aspect=1/1:frame_rate={rate}",
            size.width,
            size.height,
            format.number()
        );
        Self::between((c"buffer", &arguments), c"buffersink", description, formats)
    }

    /// Sets up filters between a source with arguments and a sink, by FFmpeg's names.
    pub(super) fn between(
        (source, arguments): (&CStr, &str),
        sink: &CStr,
        description: &str,
        formats: Formats,
    ) -> Result<Self, Error> {
        // SAFETY: no arguments.
        let graph = unsafe { ffi::avfilter_graph_alloc() };
        if graph.is_null() {
            return Err(out_of_memory());
        }
        let mut this = Self { filters: graph, source: ptr::null_mut(), sink: ptr::null_mut() };
        // One thread: the work is small beside that of a network, and slices must not change a result.
        // SAFETY: the graph is ours.
        unsafe { (*graph).nb_threads = 1 };
        if formats == Formats::Keep {
            // SAFETY: as above.
            unsafe { ffi::avfilter_graph_set_auto_convert(graph, ffi::AVFILTER_AUTO_CONVERT_NONE.0 as u32) };
        }
        this.source = this.create(source, c"in", Some(arguments))?;
        this.sink = this.create(sink, c"out", None)?;
        this.connect(description)?;
        Ok(this)
    }

    /// Seconds a tick of what comes out.
    pub(super) fn time_base(&self) -> Rational {
        // SAFETY: the sink is set up, and is not changed.
        super::rational(unsafe { ffi::av_buffersink_get_time_base(self.sink) })
    }

    /// Frames of sound come out with so many samples each, but for the last.
    pub(super) fn set_frame_size(&mut self, samples: u32) {
        // SAFETY: the sink is ours and set up.
        unsafe { ffi::av_buffersink_set_frame_size(self.sink, samples) };
    }

    fn create(
        &mut self,
        filter: &CStr,
        name: &CStr,
        arguments: Option<&str>,
    ) -> Result<*mut ffi::AVFilterContext, Error> {
        let arguments = arguments.map(c_text);
        let mut created = ptr::null_mut();
        // SAFETY: all texts end with a zero byte; the graph owns what it creates.
        let code = unsafe {
            ffi::avfilter_graph_create_filter(
                &raw mut created,
                ffi::avfilter_get_by_name(filter.as_ptr()),
                name.as_ptr(),
                arguments.as_ref().map_or(ptr::null(), |text| text.as_ptr()),
                ptr::null_mut(),
                self.filters,
            )
        };
        check(code, "set up the conversion")?;
        Ok(created)
    }

    fn connect(&mut self, description: &str) -> Result<(), Error> {
        // SAFETY: the loose ends are ours until FFmpeg takes them, and are freed whatever is left of them.
        let code = unsafe {
            let mut outputs = ffi::avfilter_inout_alloc();
            let mut inputs = ffi::avfilter_inout_alloc();
            if let (Some(output), Some(input)) = (outputs.as_mut(), inputs.as_mut()) {
                output.name = ffi::av_strdup(c"in".as_ptr());
                output.filter_ctx = self.source;
                input.name = ffi::av_strdup(c"out".as_ptr());
                input.filter_ctx = self.sink;
            }
            let mut code = ffi::avfilter_graph_parse_ptr(
                self.filters,
                c_text(description).as_ptr(),
                &raw mut inputs,
                &raw mut outputs,
                ptr::null_mut(),
            );
            ffi::avfilter_inout_free(&raw mut inputs);
            ffi::avfilter_inout_free(&raw mut outputs);
            if code >= 0 {
                code = ffi::avfilter_graph_config(self.filters, ptr::null_mut());
            }
            code
        };
        check(code, "set up the conversion").map(drop)
    }

    /// Sends `input` through the filters into `output`. The input is left as it is.
    pub(crate) fn run(&mut self, input: &mut RawFrame, output: &mut RawFrame) -> Result<(), Error> {
        self.send(Some(input))?;
        output.clear();
        // SAFETY: both objects are ours.
        check(unsafe { ffi::av_buffersink_get_frame(self.sink, output.as_mut_ptr()) }, "convert a picture")?;
        Ok(())
    }

    /// Puts a frame in, which is left as it is; `None` says that there are no more. All frames must be of the format and
    /// size that the graph was set up for.
    pub(crate) fn send(&mut self, input: Option<&mut RawFrame>) -> Result<(), Error> {
        let keep = ffi::AV_BUFFERSRC_FLAG_KEEP_REF.0 as i32;
        let input = input.map_or(ptr::null_mut(), RawFrame::as_mut_ptr);
        // SAFETY: all objects are ours or null; the flag makes the graph take a reference of its own.
        let code = unsafe { ffi::av_buffersrc_add_frame_flags(self.source, input, keep) };
        check(code, "convert a picture").map(drop)
    }

    /// Takes a frame out; false when there is none before more goes in, or none any more.
    pub(crate) fn receive(&mut self, output: &mut RawFrame) -> Result<bool, Error> {
        output.clear();
        // SAFETY: both objects are ours.
        match unsafe { ffi::av_buffersink_get_frame(self.sink, output.as_mut_ptr()) } {
            ffi::AVERROR_EOF => Ok(false),
            code if is_again(code) => Ok(false),
            code => check(code, "filter a picture").map(|_| true),
        }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: the graph is ours, and owns its filters.
        unsafe { ffi::avfilter_graph_free(&raw mut self.filters) };
    }
}
