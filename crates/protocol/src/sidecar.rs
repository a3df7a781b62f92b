//! What lies beside a segment, so that a lost ledger can be rebuilt.

use job::SegmentRange;
use job::bounds::Unbelievable;
use job::state::{Reused, SegmentDigest};
use serde::{Deserialize, Serialize};

/// The most bytes of a sidecar that are read; real ones have some hundred.
pub const LARGEST_SIDECAR: u64 = 64 << 10;

/// What a segment contains and how it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Its frames in the frame list.
    pub range: SegmentRange,
    /// Fingerprint of the source. A segment of another one belongs to another job.
    pub fingerprint: String,
    /// BLAKE3 of the frame list that it was made by, in hex: its times come from there.
    pub frame_list: String,
    /// Hash of all that can change the frames. A segment with another one belongs to another job.
    pub settings_hash: String,
    /// Version of the program that made it, and of this form.
    pub version: String,
    /// What its file is recognised by.
    pub digest: SegmentDigest,
}

/// Bytes that are not the sidecar of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SidecarError {
    /// They have another form.
    #[error("it is no sidecar of a segment")]
    NoSidecar,
    /// They are not what was written.
    #[error("its checksum does not fit")]
    Differs,
    /// They describe another file.
    #[error("it belongs to another segment")]
    OfAnother,
    /// They say what cannot be true.
    #[error(transparent)]
    Unbelievable(#[from] Unbelievable),
}

/// The JSON of a sidecar: readable for people, and with a checksum, because a flipped digit is valid JSON, too.
#[derive(Serialize, Deserialize)]
struct Wire {
    first_frame: u32,
    end_frame: u32,
    fingerprint: String,
    frame_list: String,
    settings_hash: String,
    version: String,
    frames_reused: u32,
    pixels_reused: u64,
    file: String,
    bytes: u64,
    blake3: String,
    /// BLAKE3, in hex, of the fields before, in their order, each with its length in front.
    check: String,
}

impl Sidecar {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let Self { range, fingerprint, frame_list, settings_hash, version, digest } = self.clone();
        let SegmentDigest { file, bytes, blake3, reused } = digest;
        let mut wire = Wire {
            first_frame: range.first,
            end_frame: range.end,
            fingerprint,
            frame_list,
            settings_hash,
            version,
            frames_reused: reused.frames,
            pixels_reused: reused.pixels,
            file,
            bytes,
            blake3,
            check: String::new(),
        };
        wire.check = wire.digest();
        // Plain fields always have a JSON form. Should they ever not, the sidecar reads as damaged.
        serde_json::to_vec_pretty(&wire).unwrap_or_default()
    }

    /// The sidecar of the segment in a file of this name.
    ///
    /// # Errors
    /// When the bytes are not what was written for it, or say what cannot be true.
    pub fn decode(bytes: &[u8], file: &str) -> Result<Self, SidecarError> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|_| SidecarError::NoSidecar)?;
        if wire.check != wire.digest() {
            return Err(SidecarError::Differs);
        }
        if wire.file != file {
            return Err(SidecarError::OfAnother);
        }
        let range = SegmentRange { first: wire.first_frame, end: wire.end_frame };
        if range.first >= range.end {
            return Err(SidecarError::NoSidecar);
        }
        let digest = SegmentDigest {
            file: wire.file,
            bytes: wire.bytes,
            blake3: wire.blake3,
            reused: Reused { frames: wire.frames_reused, pixels: wire.pixels_reused },
        };
        digest.validate(range.frames())?;
        let Wire { fingerprint, frame_list, settings_hash, version, .. } = wire;
        Ok(Self { range, fingerprint, frame_list, settings_hash, version, digest })
    }
}

impl Wire {
    fn digest(&self) -> String {
        let mut hash = blake3::Hasher::new_derive_key("upscaled 2026 segment sidecar v2");
        let mut field = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        field(&self.first_frame.to_le_bytes());
        field(&self.end_frame.to_le_bytes());
        field(self.fingerprint.as_bytes());
        field(self.frame_list.as_bytes());
        field(self.settings_hash.as_bytes());
        field(self.version.as_bytes());
        field(&self.frames_reused.to_le_bytes());
        field(&self.pixels_reused.to_le_bytes());
        field(self.file.as_bytes());
        field(&self.bytes.to_le_bytes());
        field(self.blake3.as_bytes());
        hash.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "seg-000003.e7.pkt";

    fn sidecar() -> Sidecar {
        Sidecar {
            range: SegmentRange { first: 30, end: 90 },
            fingerprint: "def".to_owned(),
            frame_list: "012".to_owned(),
            settings_hash: "abc".to_owned(),
            version: "0.1.0".to_owned(),
            digest: SegmentDigest {
                file: FILE.to_owned(),
                bytes: 5,
                blake3: "789".to_owned(),
                reused: Reused { frames: 4, pixels: 1 << 30 },
            },
        }
    }

    /// Unfinished work of earlier versions is taken over.
    #[test]
    fn its_bytes_are_those_of_earlier_versions() {
        let text = r#"{
  "first_frame": 30,
  "end_frame": 90,
  "fingerprint": "def",
  "frame_list": "012",
  "settings_hash": "abc",
  "version": "0.1.0",
  "frames_reused": 4,
  "pixels_reused": 1073741824,
  "file": "seg-000003.e7.pkt",
  "bytes": 5,
  "blake3": "789",
  "check": "971ff9abe1e2743efba1ec58e3041e1380a052ee6d2c5a86095c32c1c0f01bf3"
}"#;
        assert_eq!(String::from_utf8(sidecar().encode()).unwrap(), text);
        assert_eq!(Sidecar::decode(text.as_bytes(), FILE), Ok(sidecar()));
        assert_eq!(Sidecar::decode(text.as_bytes(), "seg-000004.e7.pkt"), Err(SidecarError::OfAnother));
    }

    #[test]
    fn damage_is_noticed() {
        let bytes = sidecar().encode();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // What is between the fields, or the letters of a number in another form, may change without a difference.
            if let Ok(read) = Sidecar::decode(&damaged, FILE) {
                assert_eq!(read, sidecar(), "bit {bit}");
            }
        }
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        type Change = fn(&mut Sidecar);
        let wrong: [Change; 4] = [
            |sidecar| sidecar.range.end = 30,
            |sidecar| sidecar.digest.reused.frames = 61,
            |sidecar| sidecar.digest.bytes = u64::MAX,
            |sidecar| sidecar.digest.blake3 = "x".repeat(1000),
        ];
        for change in wrong {
            let mut sidecar = sidecar();
            change(&mut sidecar);
            assert!(Sidecar::decode(&sidecar.encode(), FILE).is_err(), "{sidecar:?}");
        }
    }
}
