use std::cell::Cell;
use std::io::{self, Write};

use proptest::prelude::*;

use super::*;

fn log(header: &[u8], packets: &[Packet]) -> Vec<u8> {
    let mut writer = PacketLogWriter::new(Vec::new(), header).unwrap();
    for packet in packets {
        writer.append(packet.pts, packet.dts, packet.duration, packet.keyframe, &packet.data).unwrap();
    }
    let (bytes, summary) = writer.finish().unwrap();
    let data = packets.iter().map(|packet| packet.data.len() as u64).sum();
    assert_eq!(summary, Summary { packets: packets.len() as u64, bytes: data });
    bytes
}

/// Reads all.
fn read(bytes: &[u8]) -> Result<(Vec<u8>, Vec<Packet>), PacketLogError> {
    let mut reader = PacketLogReader::open(bytes)?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet()? {
        packets.push(packet);
    }
    assert_eq!(reader.summary().unwrap().packets, packets.len() as u64);
    assert!(reader.next_packet().unwrap().is_none());
    Ok((reader.header().to_vec(), packets))
}

fn example() -> (Vec<u8>, Vec<Packet>) {
    let packet =
        |pts, dts, keyframe, data: &[u8]| Packet { pts, dts, duration: 40, keyframe, data: data.into() };
    let packets =
        vec![packet(0, -80, true, b"first"), packet(120, -40, false, b""), packet(40, 0, false, b"3")];
    (log(b"codec", &packets), packets)
}

#[test]
fn the_layout_is_the_documented_one() {
    let (bytes, _) = example();
    assert_eq!(&bytes[..16], b"\x89UPL\r\n\x1a\n\x01\0\0\0\x05\0\0\0");
    assert_eq!(&bytes[20..25], b"codec");
    assert_eq!(&bytes[29..37], b"P\x01\0\0\x05\0\0\0");
    assert_eq!(&bytes[45..53], &(-80_i64).to_le_bytes());
    assert_eq!(&bytes[65..70], b"first");
    assert_eq!(bytes.len(), 29 + 3 * 40 + 6 + 24);
    assert_eq!(&bytes[bytes.len() - 24..][..12], b"E\0\0\0\x03\0\0\0\0\0\0\0");
    // The head, the header, and of each packet its fields and data, with the checksums between them left out.
    let mut covered = [&bytes[..16], &bytes[20..25]].concat();
    let mut at = 29;
    for length in [5, 0, 1] {
        covered.extend([&bytes[at..at + 32], &bytes[at + 36..at + 36 + length]].concat());
        at += 40 + length;
    }
    covered.extend(&bytes[at..bytes.len() - 4]);
    assert_eq!(bytes[bytes.len() - 4..], crc32fast::hash(&covered).to_le_bytes());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (bytes, _) = example();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = read(&damaged).expect_err("a flipped bit");
        let in_version = (64..96).contains(&bit);
        match error {
            PacketLogError::Corrupt { offset, .. } => assert!(offset as usize <= bit / 8, "bit {bit}"),
            PacketLogError::Version { .. } => assert!(in_version),
            other => panic!("bit {bit}: {other}"),
        }
    }
}

#[test]
fn every_truncation_is_told_from_damage() {
    let (bytes, _) = example();
    for length in 0..bytes.len() {
        let error = read(&bytes[..length]).expect_err("a short log");
        assert!(
            matches!(error, PacketLogError::Truncated { offset } if offset as usize <= length),
            "{error}"
        );
    }
}

#[test]
fn packets_left_out_doubled_or_exchanged_are_noticed() {
    let packet = |byte| Packet { data: vec![byte; 4], ..Packet::default() };
    let bytes = log(b"", &[packet(1), packet(2)]);
    let (head, rest) = bytes.split_at(24);
    let (one, rest) = rest.split_at(44);
    let (two, trailer) = rest.split_at(44);
    assert!(read(&[head, one, two, trailer].concat()).is_ok());
    for parts in [[head, two, one, trailer], [head, one, one, trailer], [head, one, b"", trailer]] {
        assert!(matches!(read(&parts.concat()), Err(PacketLogError::Corrupt { .. })));
    }
    assert!(matches!(read(&[&bytes[..], b"\0"].concat()), Err(PacketLogError::Corrupt { .. })));
    assert!(matches!(read(&[&bytes[..], &bytes[..]].concat()), Err(PacketLogError::Corrupt { .. })));
}

/// Lengths with right checksums that nothing stands behind.
#[test]
fn a_lying_length_costs_no_memory() {
    let mut head =
        bytes_with_crc(&[&MAGIC[..], &VERSION.to_le_bytes(), &(MAX_HEADER as u32).to_le_bytes()].concat());
    assert!(matches!(read(&head), Err(PacketLogError::Truncated { offset: 20 })));
    head = log(b"", &[])[..24].to_vec();
    for (length, truncated) in [(MAX_PACKET as u32, true), (MAX_PACKET as u32 + 1, false), (u32::MAX, false)]
    {
        let mut fields = [0; 32];
        fields[0] = PACKET;
        fields[4..8].copy_from_slice(&length.to_le_bytes());
        let bytes = [&head[..], &bytes_with_crc(&fields)[..], b"not half a gigabyte"].concat();
        let mut reader = PacketLogReader::open(&bytes[..]).unwrap();
        let error = reader.next_packet().unwrap_err();
        assert_eq!(matches!(error, PacketLogError::Truncated { .. }), truncated, "{error}");
        assert!(reader.next_packet().is_err() && reader.summary().is_none());
    }
}

fn bytes_with_crc(bytes: &[u8]) -> Vec<u8> {
    [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat()
}

/// Takes `room` bytes, then is full.
struct Full<'a> {
    room: &'a Cell<usize>,
}

impl Write for Full<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room.get());
        self.room.set(self.room.get() - taken);
        if taken == 0 && !bytes.is_empty() { Err(rustix::io::Errno::NOSPC.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_that_could_not_be_written_is_never_finished() {
    let (bytes, packets) = example();
    for length in 0..bytes.len() {
        let room = Cell::new(length);
        let Ok(mut writer) = PacketLogWriter::new(Full { room: &room }, b"codec") else { continue };
        let failed = packets
            .iter()
            .filter_map(|p| writer.append(p.pts, p.dts, p.duration, p.keyframe, &p.data).err())
            .collect::<Vec<_>>();
        assert!(failed.first().is_none_or(PacketLogError::is_no_space));
        // Room that comes back after a failure must not make the log look whole.
        room.set(room.get() + if failed.is_empty() { 0 } else { 1000 });
        assert!(writer.finish().is_err(), "room for {length} bytes");
    }
}

fn packets() -> impl Strategy<Value = Vec<Packet>> {
    let packet = (any::<(i64, i64, i64, bool)>(), prop::collection::vec(any::<u8>(), 0..200));
    let packet = packet.prop_map(|((pts, dts, duration, keyframe), data)| Packet {
        pts,
        dts,
        duration,
        keyframe,
        data,
    });
    prop::collection::vec(packet, 0..12)
}

proptest! {
    #[test]
    fn what_is_written_is_read(header: Vec<u8>, packets in packets()) {
        let bytes = log(&header, &packets);
        prop_assert_eq!(read(&bytes).unwrap(), (header, packets));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(noise: Vec<u8>, kept in 0_usize..200) {
        let (bytes, _) = example();
        let mixed = [&bytes[..kept.min(bytes.len() - 1)], &noise[..]].concat();
        prop_assert!(mixed == bytes || read(&mixed).is_err());
    }
}

#[test]
fn large_packets_survive_without_a_known_length() {
    let data: Vec<u8> = (0..3_000_000_u32).map(|i| ((i * 7) >> 5) as u8).collect();
    let packets = vec![Packet { data, keyframe: true, ..Packet::default() }];
    assert_eq!(read(&log(b"", &packets)).unwrap().1, packets);
}
