//! Films that lie in several files: a DVD's `VTS_01_1.VOB`, `VTS_01_2.VOB` and so on are pieces of one stream, cut at 1 GiB.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// Where the number of the part stands in a name.
const NUMBER: usize = 7;

/// The files that a source consists of, in order.
///
/// For the first part of a DVD's film, `VTS_NN_1.VOB` in any case of the letters, these are the path itself and the parts
/// `VTS_NN_2.VOB` to `VTS_NN_9.VOB` that follow without a gap, their letters written as in the first name. For every other
/// file it is the path alone, whether it exists or not.
///
/// Each name is asked for, and no folder is listed: a worker may not.
pub fn parts(path: &Path) -> Vec<PathBuf> {
    let mut parts = vec![path.to_owned()];
    if number(path) == Some(b'1') {
        let others = (b'2'..=b'9').map(|number| with_number(path, number));
        parts.extend(others.take_while(|part| part.is_file()));
    }
    parts
}

/// The first part of the film that a file is a later part of, where that lies beside it; `None` for every other file.
pub fn first_part(path: &Path) -> Option<PathBuf> {
    let is_later = number(path).is_some_and(|number| number > b'1');
    is_later.then(|| with_number(path, b'1')).filter(|first| first.is_file())
}

/// The digit of the part, 1 to 9, in the name of a DVD's film.
fn number(path: &Path) -> Option<u8> {
    let name = path.file_name()?.as_bytes().to_ascii_uppercase();
    let fits = |(byte, wanted): (&u8, &u8)| match wanted {
        b'n' => byte.is_ascii_digit(),
        _ => byte == wanted,
    };
    let pattern = b"VTS_nn_n.VOB";
    let is_part = name.len() == pattern.len() && name.iter().zip(pattern).all(fits);
    name.get(NUMBER).copied().filter(|&number| is_part && number > b'0')
}

fn with_number(path: &Path, number: u8) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().as_bytes().to_vec();
    if let Some(place) = name.get_mut(NUMBER) {
        *place = number;
    }
    path.with_file_name(OsString::from_vec(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf]) -> Vec<&str> {
        paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn a_film_is_its_first_part_and_those_that_follow() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["VTS_01_0.VOB", "VTS_01_1.VOB", "VTS_01_2.VOB", "VTS_01_3.VOB", "VTS_01_5.VOB"] {
            std::fs::write(at(name), "x").unwrap();
        }
        assert_eq!(names(&parts(&at("VTS_01_1.VOB"))), ["VTS_01_1.VOB", "VTS_01_2.VOB", "VTS_01_3.VOB"]);
        for alone in ["VTS_01_0.VOB", "VTS_01_2.VOB", "VTS_02_1.VOB", "film.vob", "VTS_01_1.VOB.part"] {
            assert_eq!(names(&parts(&at(alone))), [alone]);
        }
        assert_eq!(first_part(&at("VTS_01_3.VOB")), Some(at("VTS_01_1.VOB")));
        assert_eq!(first_part(&at("VTS_01_5.VOB")), Some(at("VTS_01_1.VOB")));
        for first in ["VTS_01_1.VOB", "VTS_01_0.VOB", "VTS_02_2.VOB", "film.vob"] {
            assert_eq!(first_part(&at(first)), None, "{first}");
        }
    }

    #[test]
    fn the_letters_are_those_of_the_first_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["vts_12_1.Vob", "vts_12_2.Vob", "VTS_12_3.VOB"] {
            std::fs::write(at(name), "x").unwrap();
        }
        assert_eq!(names(&parts(&at("vts_12_1.Vob"))), ["vts_12_1.Vob", "vts_12_2.Vob"]);
        assert_eq!(first_part(&at("vts_12_2.Vob")), Some(at("vts_12_1.Vob")));
    }

    #[test]
    fn a_folder_is_no_part() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("VTS_01_2.VOB")).unwrap();
        assert_eq!(parts(&folder.path().join("VTS_01_1.VOB")).len(), 1);
    }
}
