//! Taking the bytes of a request in: from the connection to the disk, without ever holding more than a piece.

use std::fs::File;
use std::sync::Arc;

use axum::body::Body;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use coordinator::now;

use super::Uploads;
use super::failure::Failure;
use super::headers::Checksum;
use super::store::Upload;
use super::turns::Held;

/// What a request brings.
#[derive(Debug)]
pub(super) struct Bytes {
    /// Where they go.
    pub(super) offset: u64,
    /// How many they are, where that is known.
    pub(super) announced: Option<u64>,
    pub(super) checksum: Option<Checksum>,
    pub(super) body: Body,
}

impl Uploads {
    /// Takes bytes in; gives the upload as it is then. It goes to its end even when the client goes away, which drops the future.
    pub(super) async fn receive(self: &Arc<Self>, held: Held, bytes: Bytes) -> Result<Upload, Failure> {
        let receiving = tokio::spawn(Arc::clone(self).take_in(held, bytes));
        receiving.await.map_err(std::io::Error::other)?
    }

    async fn take_in(self: Arc<Self>, held: Held, bytes: Bytes) -> Result<Upload, Failure> {
        let Bytes { offset, announced, mut checksum, body } = bytes;
        let (id, is_checked) = (held.id(), checksum.is_some());
        let begun = self.blocking(move |uploads| {
            let mut upload = uploads.store.find(id, now())?;
            if upload.offset != offset {
                return Err(Failure::OtherOffset { offset: upload.offset });
            }
            if announced.is_some_and(|announced| announced > upload.remaining()) {
                return Err(Failure::TooMuch { length: upload.record.length });
            }
            let data = if upload.remaining() > 0 {
                Some(uploads.store.open(&mut upload, is_checked)?)
            } else {
                None
            };
            Ok((upload, data))
        });
        let (mut upload, data) = begun.await?;
        let mut came = Ok(());
        if let Some(data) = data {
            let (copied, data) = self.copy(&held, &upload, body, checksum.as_mut(), data).await;
            came = copied;
            if came.is_ok() && !checksum.is_none_or(Checksum::fits) {
                came = Err(Failure::OtherChecksum);
            }
            let is_kept = match &came {
                Ok(()) => true,
                Err(Failure::OtherChecksum | Failure::TooMuch { .. }) => false,
                Err(_) => !is_checked,
            };
            let closed = self.blocking(move |uploads| {
                uploads.store.close(&mut upload, &data, is_kept)?;
                Ok(upload)
            });
            upload = closed.await?;
        }
        // Also after a connection that broke behind the last byte.
        if upload.remaining() == 0 {
            upload = self.blocking(move |uploads| uploads.store.finish(&held)).await?;
        }
        came.map(|()| upload)
    }

    /// Copies a body to the end of a file, up to the end of the upload; gives the file back, with all in it that came.
    async fn copy(
        &self,
        held: &Held,
        upload: &Upload,
        body: Body,
        mut checksum: Option<&mut Checksum>,
        data: File,
    ) -> (Result<(), Failure>, File) {
        let mut data = tokio::fs::File::from_std(data);
        let mut chunks = body.into_data_stream().map(|chunk| chunk.map_err(|_| Failure::Broken));
        let mut remaining = upload.remaining();
        let copied = loop {
            let next = tokio::select! {
                next = timeout(self.patience, chunks.next()) => next.unwrap_or_else(|_| Some(Err(Failure::Stalled))),
                () = held.asked_to_end() => break Err(Failure::Stalled),
                () = self.shutdown.requested() => break Err(Failure::Stopping),
            };
            let chunk = match next {
                None => break Ok(()),
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => break Err(error),
            };
            held.heard();
            let Some(left) = remaining.checked_sub(chunk.len() as u64) else {
                break Err(Failure::TooMuch { length: upload.record.length });
            };
            remaining = left;
            if let Some(checksum) = &mut checksum {
                checksum.add(&chunk);
            }
            if let Err(error) = data.write_all(&chunk).await {
                break Err(error.into());
            }
        };
        // Writing goes on behind the call.
        let flushed = data.flush().await.map_err(Failure::from);
        (copied.and(flushed), data.into_std().await)
    }
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
