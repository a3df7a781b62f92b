//! Reading a packet log that may be damaged or hostile.

use std::io::{self, Read};

use super::{
    Fields, KEYFRAME, MAGIC, MAX_HEADER, MAX_PACKET, PACKET, Packet, PacketLogError, Summary, TRAILER,
    VERSION,
};

/// Up to this size memory for data is reserved on the word of the file; above, it grows with what really comes.
const TRUSTED: usize = 1 << 20;

/// Reads a packet log from front to back. What it reads from should have a buffer.
#[derive(Debug)]
pub struct PacketLogReader<R> {
    from: R,
    header: Vec<u8>,
    offset: u64,
    whole: crc32fast::Hasher,
    seen: Summary,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
    Failed,
}

impl<R: Read> PacketLogReader<R> {
    /// Opens a log, whose length need not be known.
    ///
    /// # Errors
    /// It does not begin with a whole header of this version, or cannot be read.
    pub fn open(from: R) -> Result<Self, PacketLogError> {
        let mut reader = Self {
            from,
            header: Vec::new(),
            offset: 0,
            whole: crc32fast::Hasher::new(),
            seen: Summary::default(),
            state: State::Reading,
        };
        // Magic and version are looked at before anything else: only they mean the same in every version.
        if reader.array::<8>()? != MAGIC {
            return Err(corrupt(0, "it does not begin like a packet log"));
        }
        let version = reader.array()?;
        match u32::from_le_bytes(version) {
            VERSION => {}
            found => return Err(PacketLogError::Version { found }),
        }
        let length = reader.array()?;
        let crc = reader.whole.clone().finalize();
        if reader.checksum()? != crc {
            return Err(corrupt(0, "the checksum of its head does not fit"));
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err(corrupt(12, "its header is larger than a header can be"));
        }
        let start = reader.offset;
        let mut header = Vec::new();
        reader.data(length, &mut header)?;
        if reader.checksum()? != crc32fast::hash(&header) {
            return Err(corrupt(start, "the checksum of its header does not fit"));
        }
        reader.header = header;
        Ok(reader)
    }

    /// The header, as it was given to the writer.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The next packet; nothing once the whole log has been read and found undamaged.
    ///
    /// Packets that were returned are undamaged each, but only the end proves that none is missing.
    ///
    /// # Errors
    /// The log is damaged, too short, or cannot be read. Nothing can be read from it afterwards.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, PacketLogError> {
        match self.state {
            State::Ended => return Ok(None),
            State::Failed => return Err(corrupt(self.offset, "an error was found before")),
            State::Reading => {}
        }
        self.state = State::Failed;
        let start = self.offset;
        let tag = self.array()?;
        match tag {
            [PACKET] => {
                let packet = self.packet(start)?;
                self.state = State::Reading;
                Ok(Some(packet))
            }
            [TRAILER] => {
                self.trailer(start)?;
                self.state = State::Ended;
                Ok(None)
            }
            _ => Err(corrupt(start, "neither packet nor trailer begins here")),
        }
    }

    /// What the log holds, once its end has been reached.
    pub fn summary(&self) -> Option<Summary> {
        (self.state == State::Ended).then_some(self.seen)
    }

    fn packet(&mut self, start: u64) -> Result<Packet, PacketLogError> {
        let rest: [u8; 31] = self.array()?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&[PACKET]);
        crc.update(&rest);
        if self.checksum()? != crc.clone().finalize() {
            return Err(corrupt(start, "the checksum of a packet's fields does not fit"));
        }
        let fields = Fields::decode(&rest).ok_or(corrupt(start, "a packet's fields make no sense"))?;
        let mut data = Vec::new();
        self.data(fields.length as usize, &mut data)?;
        crc.update(&data);
        if self.checksum()? != crc.finalize() {
            return Err(corrupt(start, "the checksum of a packet's data does not fit"));
        }
        self.seen.packets += 1;
        self.seen.bytes += data.len() as u64;
        Ok(Packet {
            pts: fields.pts,
            dts: fields.dts,
            duration: fields.duration,
            keyframe: fields.keyframe,
            data,
        })
    }

    fn trailer(&mut self, start: u64) -> Result<(), PacketLogError> {
        let padding: [u8; 3] = self.array()?;
        let packets = u64::from_le_bytes(self.array()?);
        let bytes = u64::from_le_bytes(self.array()?);
        let whole = self.whole.clone().finalize();
        if self.checksum()? != whole {
            return Err(corrupt(start, "the checksum of the whole does not fit"));
        }
        if padding != [0; 3] || self.seen != (Summary { packets, bytes }) {
            return Err(corrupt(start, "the trailer counts other packets than are there"));
        }
        match self.array::<1>() {
            Err(PacketLogError::Truncated { .. }) => Ok(()),
            Ok(_) => Err(corrupt(start + 24, "bytes follow the trailer")),
            Err(error) => Err(error),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PacketLogError> {
        let bytes = self.exactly()?;
        self.took(&bytes);
        Ok(bytes)
    }

    /// A checksum; the one of the whole does not cover it.
    fn checksum(&mut self) -> Result<u32, PacketLogError> {
        let bytes = self.exactly()?;
        self.offset += 4;
        Ok(u32::from_le_bytes(bytes))
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], PacketLogError> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => PacketLogError::Truncated { offset: self.offset },
            _ => error.into(),
        })?;
        Ok(bytes)
    }

    fn data(&mut self, length: usize, into: &mut Vec<u8>) -> Result<(), PacketLogError> {
        // Little is taken on trust: `read_to_end` doubles its memory as bytes arrive.
        into.reserve_exact(length.min(TRUSTED));
        let read = self.from.by_ref().take(length as u64).read_to_end(into)?;
        self.took(into);
        if read < length {
            return Err(PacketLogError::Truncated { offset: self.offset });
        }
        Ok(())
    }

    fn took(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        self.offset += bytes.len() as u64;
    }
}

impl Fields {
    /// The fields after the tag; nothing where a reserved bit is set or the length is beyond the limit.
    fn decode(bytes: &[u8; 31]) -> Option<Self> {
        let (&[flags, 0, 0], bytes) = bytes.split_first_chunk()? else { return None };
        let (length, bytes) = bytes.split_first_chunk()?;
        let (pts, bytes) = bytes.split_first_chunk()?;
        let (dts, bytes) = bytes.split_first_chunk()?;
        let (duration, _) = bytes.split_first_chunk()?;
        let length = u32::from_le_bytes(*length);
        (flags & !KEYFRAME == 0 && length as usize <= MAX_PACKET).then_some(Self {
            pts: i64::from_le_bytes(*pts),
            dts: i64::from_le_bytes(*dts),
            duration: i64::from_le_bytes(*duration),
            keyframe: flags & KEYFRAME != 0,
            length,
        })
    }
}

fn corrupt(offset: u64, reason: &'static str) -> PacketLogError {
    PacketLogError::Corrupt { offset, reason }
}
