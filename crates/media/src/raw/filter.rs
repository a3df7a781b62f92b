//! Filter graphs with one input and one output.

use std::ffi::CStr;
use std::ptr;

use frame::Size;

use super::frame::RawFrame;
use super::pixel::PixelFormat;
use super::{c_text, check, ffi, out_of_memory};
use crate::Error;

/// A filter graph: a frame goes in, a frame comes out.
#[derive(Debug)]
pub(crate) struct Graph {
    filters: *mut ffi::AVFilterGraph,
    source: *mut ffi::AVFilterContext,
    sink: *mut ffi::AVFilterContext,
}

// SAFETY: a filter graph may be used by one thread after another.
unsafe impl Send for Graph {}

impl Graph {
    /// Sets up the filters `description` (in FFmpeg's notation) for frames of one format and size.
    pub(crate) fn new(format: PixelFormat, size: Size, description: &str) -> Result<Self, Error> {
        // SAFETY: no arguments.
        let graph = unsafe { ffi::avfilter_graph_alloc() };
        if graph.is_null() {
            return Err(out_of_memory());
        }
        let mut this = Self { filters: graph, source: ptr::null_mut(), sink: ptr::null_mut() };
        // One thread: the work is small beside that of a network, and slices must not change a result.
        // SAFETY: the graph is ours.
        unsafe { (*graph).nb_threads = 1 };
        let arguments = format!(
            "video_size={}x{}:pix_fmt={}:time_base=1/1000:pixel_aspect=1/1",
            size.width,
            size.height,
            format.number()
        );
        this.source = this.create(c"buffer", c"in", Some(&arguments))?;
        this.sink = this.create(c"buffersink", c"out", None)?;
        this.connect(description)?;
        Ok(this)
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
        output.clear();
        // SAFETY: all objects are ours; the flag makes the graph take a reference of its own.
        unsafe {
            let keep = ffi::AV_BUFFERSRC_FLAG_KEEP_REF.0 as i32;
            let code = ffi::av_buffersrc_add_frame_flags(self.source, input.as_mut_ptr(), keep);
            check(code, "convert a picture")?;
            check(ffi::av_buffersink_get_frame(self.sink, output.as_mut_ptr()), "convert a picture")?;
        }
        Ok(())
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: the graph is ours, and owns its filters.
        unsafe { ffi::avfilter_graph_free(&raw mut self.filters) };
    }
}
