//! Writing a packet log.

use std::io::Write;

use super::{
    Fields, KEYFRAME, MAGIC, MAX_HEADER, MAX_PACKET, PACKET, PacketLogError, Summary, TRAILER, VERSION,
};

/// Writes a packet log from front to back. What it writes to should have a buffer where small writes are dear.
#[derive(Debug)]
pub struct PacketLogWriter<W> {
    to: W,
    whole: crc32fast::Hasher,
    written: Summary,
    broken: bool,
}

impl<W: Write> PacketLogWriter<W> {
    /// Starts a log with its header.
    ///
    /// # Errors
    /// The header is too large or cannot be written.
    pub fn new(to: W, header: &[u8]) -> Result<Self, PacketLogError> {
        if header.len() > MAX_HEADER {
            return Err(PacketLogError::TooLarge { bytes: header.len() });
        }
        let mut writer =
            Self { to, whole: crc32fast::Hasher::new(), written: Summary::default(), broken: false };
        let mut head = Vec::with_capacity(20);
        head.extend(MAGIC);
        head.extend(VERSION.to_le_bytes());
        head.extend((header.len() as u32).to_le_bytes());
        writer.put(&head)?;
        writer.put_checksum(crc32fast::hash(&head))?;
        writer.put(header)?;
        writer.put_checksum(crc32fast::hash(header))?;
        Ok(writer)
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// The packet is too large (the log goes on without it) or cannot be written (the log is broken).
    pub fn append(
        &mut self,
        pts: i64,
        dts: i64,
        duration: i64,
        keyframe: bool,
        data: &[u8],
    ) -> Result<(), PacketLogError> {
        if data.len() > MAX_PACKET {
            return Err(PacketLogError::TooLarge { bytes: data.len() });
        }
        let fields = Fields { pts, dts, duration, keyframe, length: data.len() as u32 }.encode();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&fields);
        self.put(&fields)?;
        self.put_checksum(crc.clone().finalize())?;
        crc.update(data);
        self.put(data)?;
        self.put_checksum(crc.finalize())?;
        self.written.packets += 1;
        self.written.bytes += data.len() as u64;
        Ok(())
    }

    /// Ends the log. Only now is it whole; a log that is dropped instead reads as truncated.
    ///
    /// # Errors
    /// The trailer cannot be written, or something before could not.
    pub fn finish(mut self) -> Result<(W, Summary), PacketLogError> {
        let mut trailer = vec![TRAILER, 0, 0, 0];
        trailer.extend(self.written.packets.to_le_bytes());
        trailer.extend(self.written.bytes.to_le_bytes());
        self.put(&trailer)?;
        let whole = self.whole.clone().finalize();
        self.put_checksum(whole)?;
        self.to.flush()?;
        Ok((self.to, self.written))
    }

    /// After a failed write it is unknown how much of it arrived, so no later one may pretend that all is well.
    fn put(&mut self, bytes: &[u8]) -> Result<(), PacketLogError> {
        self.write(bytes)?;
        self.whole.update(bytes);
        Ok(())
    }

    fn put_checksum(&mut self, crc: u32) -> Result<(), PacketLogError> {
        self.write(&crc.to_le_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), PacketLogError> {
        if self.broken {
            return Err(PacketLogError::Broken);
        }
        Ok(self.to.write_all(bytes).inspect_err(|_| self.broken = true)?)
    }
}

impl Fields {
    fn encode(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0] = PACKET;
        bytes[1] = if self.keyframe { KEYFRAME } else { 0 };
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.pts.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.dts.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.duration.to_le_bytes());
        bytes
    }
}
