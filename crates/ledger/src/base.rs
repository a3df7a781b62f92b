//! Paths inside the server's folder are kept relative to it, so that it can be moved, copied, or mounted elsewhere.

use std::path::{Path, PathBuf};

use job::{FilePath, NewJob};

/// The folder that paths are relative to: the one that holds the folder of the ledger.
#[derive(Debug, Clone)]
pub struct Base(PathBuf);

impl Base {
    /// The base of the ledger in a file.
    pub fn of(ledger: &Path) -> Self {
        let path = std::path::absolute(ledger).unwrap_or_else(|_| ledger.to_owned());
        Self(path.ancestors().nth(2).unwrap_or(Path::new("/")).to_owned())
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// A path as it is kept.
    pub(crate) fn kept(&self, path: &Path) -> FilePath {
        match path.strip_prefix(&self.0) {
            Ok(inside) if inside == Path::new("") => FilePath(".".into()),
            Ok(inside) => inside.into(),
            Err(_) => path.into(),
        }
    }

    /// The path that was kept so.
    pub(crate) fn found(&self, kept: &Path) -> FilePath {
        if kept == Path::new(".") { FilePath(self.0.clone()) } else { FilePath(self.0.join(kept)) }
    }

    /// A request with its paths as they are kept.
    pub fn kept_request(&self, request: &NewJob) -> NewJob {
        map(request.clone(), |path| self.kept(path))
    }

    /// The request that was kept so.
    pub fn found_request(&self, kept: NewJob) -> NewJob {
        map(kept, |path| self.found(path))
    }
}

fn map(mut request: NewJob, to: impl Fn(&Path) -> FilePath) -> NewJob {
    let NewJob { source, settings, output, folder, result, .. } = &mut request;
    let paths = [source, output, folder].into_iter().chain(result).chain(settings.paths_mut());
    for path in paths {
        *path = to(path);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_moves_along() {
        let (here, there) = (Base::of(Path::new("/a/root/state/ledger.db")), Base(PathBuf::from("/b")));
        for (path, elsewhere) in [
            ("/a/root/input/x.mkv", "/b/input/x.mkv"),
            ("/a/root", "/b"),
            ("/a/root2/x.mkv", "/a/root2/x.mkv"),
            ("/elsewhere/x.mkv", "/elsewhere/x.mkv"),
        ] {
            let kept = here.kept(Path::new(path));
            assert_eq!(here.found(&kept), FilePath::from(path));
            assert_eq!(there.found(&kept), FilePath::from(elsewhere));
        }
    }
}
