//! Films of ten kinds, each of which is hard to foresee in its own way.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::tool;

/// Longest that making a film may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// How a film is made.
pub(crate) struct Film {
    pub(crate) name: &'static str,
    /// Its length as a multiple of the usual one: what hardly takes the network is made longer.
    length: u32,
    /// The graph of FFmpeg's filters that gives it, in which `W`, `H` and `T` stand for width, height and seconds.
    graph: &'static str,
    /// Frames are as long as their times say.
    has_own_times: bool,
}

const fn film(name: &'static str, length: u32, graph: &'static str) -> Film {
    Film { name, length, graph, has_own_times: false }
}

/// The films, in the order in which they are made. (The server takes those first that were there first.)
pub(crate) fn all() -> Vec<Film> {
    vec![
        film("noise", 1, "testsrc2=s=WxH:r=25,noise=alls=20:allf=t"),
        film("slides", 20, "testsrc2=s=WxH:r=1/20,fps=25"),
        film(
            "talking head",
            1,
            "smptebars=s=WxH:r=25[a];color=gray:s=24x16:r=25,noise=alls=60:allf=t[b];[a][b]overlay=W/3:H/3",
        ),
        film(
            "pan",
            1,
            "testsrc=s=320xH:r=25,trim=end_frame=1,loop=-1:1,setpts=N/25/TB,crop=W:H:'mod(n,320-W)':0",
        ),
        film(
            "scenes",
            1,
            "testsrc2=s=WxH:r=25,hue=h='90*floor(t/2)',noise=alls=20:allf=t:enable='lt(mod(t,4),2)'",
        ),
        film(
            "black, noise",
            1,
            "testsrc2=s=WxH:r=25,noise=alls=20:allf=t,drawbox=c=black:t=fill:enable='lt(t,T*0.4)'",
        ),
        film(
            "noise, still",
            1,
            "testsrc2=s=WxH:r=25,noise=alls=20:allf=t,drawbox=c=gray:t=fill:enable='gt(t,T*0.5)'",
        ),
        film(
            "bars",
            1,
            "testsrc2=s=WxH:r=25,noise=alls=20:allf=t,drawbox=0:0:8:H:black:fill,drawbox=W-8:0:8:H:black:fill",
        ),
        Film {
            has_own_times: true,
            ..film("own times", 1, "testsrc2=s=WxH:r=30,noise=alls=20:allf=t,select='gt(random(0),0.3)'")
        },
        film("on twos", 2, "testsrc2=s=WxH:r=25/2,noise=alls=10:allf=t,fps=25"),
    ]
}

impl Film {
    /// Makes the film in a folder: of so many pixels, and so many seconds where its length is the usual one.
    pub(crate) fn make(
        &self,
        (width, height): (u32, u32),
        seconds: u32,
        folder: &Path,
    ) -> anyhow::Result<PathBuf> {
        let seconds = self.length * seconds;
        let graph = self.graph.replace("320-W", &(320 - width.min(319)).to_string());
        let graph = ["W", "H", "T"]
            .iter()
            .zip([width, height, seconds])
            .fold(graph, |graph, (name, value)| replace_word(&graph, name, &value.to_string()));
        let path = folder.join(format!("{}.mkv", self.name.replace([' ', ','], "_")));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &graph, "-pix_fmt", "yuv420p"]);
        ffmpeg.args(["-t", &seconds.to_string(), "-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]);
        if self.has_own_times {
            ffmpeg.args(["-fps_mode", "vfr"]);
        }
        tool::output(ffmpeg.arg(tool::url(&path)), PATIENCE)?;
        Ok(path)
    }
}

/// Puts a value in the place of a word of one capital letter, wherever it is no part of a longer one; `WxH` are two.
fn replace_word(text: &str, word: &str, value: &str) -> String {
    let bytes = text.as_bytes();
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|byte| byte.is_ascii_uppercase() || *byte == b'_')
    };
    let mut replaced = String::new();
    for (at, character) in text.char_indices() {
        let is_word =
            text[at..].starts_with(word) && !is_letter(at.checked_sub(1)) && !is_letter(Some(at + 1));
        if is_word { replaced.push_str(value) } else { replaced.push(character) }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_and_names_are_not() {
        assert_eq!(replace_word("s=WxH:W-8,setpts=N/TB", "W", "64"), "s=64xH:64-8,setpts=N/TB");
        assert_eq!(replace_word("N/25/TB:T*0.4", "T", "60"), "N/25/TB:60*0.4");
    }
}
