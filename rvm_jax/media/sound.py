"""The sound of the input, copied to what is made of its pictures (PyAV)."""

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import OutputContainer

# What sound is encoded to where a container cannot hold it as it is.
_FALLBACKS = ("libopus", "opus", "aac", "libvorbis", "vorbis")

# The time of a packet of the output, in seconds, and the packet.
_Timed = tuple[Fraction, "av.Packet[av.AudioStream]"]


class SoundCopy:
    """Writes all sound tracks of `source` into an open container, in step with its pictures.

    Packets are copied as they are; a track whose codec the container cannot hold (AAC in WebM) is encoded again.

    Args:
      container: open for writing, its video stream added, nothing written yet.
      source: the file with the sound.
      start: the time in `source` that becomes 0.
    """

    def __init__(self, container: OutputContainer, source: Path, start: Fraction):
        self._output = container
        self._start = start
        named = str(source.absolute()) if source.exists() else str(source)
        self._input = av.open(named, metadata_errors="replace")
        self._tracks: dict[int, av.AudioStream] = {}
        self._encodes: set[int] = set()
        for track in self._input.streams.audio:
            if track.codec_context is None:
                continue
            if track.codec_context.name in container.supported_codecs or track.codec.name in container.supported_codecs:
                self._tracks[track.index] = container.add_stream_from_template(track)
            elif codec := next((c for c in _FALLBACKS if c in container.supported_codecs & av.codecs_available), None):
                added = container.add_stream(codec, rate=48_000 if "opus" in codec else track.rate)
                self._tracks[track.index] = cast(av.AudioStream, added)
                self._encodes.add(track.index)
        self._packets = self._converted()
        self._next = next(self._packets, None)

    def write_until(self, seconds: Fraction | None) -> None:
        """Writes what sounds before this time; None writes the rest."""
        while self._next is not None and (seconds is None or self._next[0] <= seconds):
            self._output.mux(self._next[1])
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Closes the file with the sound."""
        self._packets.close()
        self._input.close()

    def _converted(self) -> Generator[_Timed, None, None]:
        """Yields (time, packet) of the output."""
        if not self._tracks:
            return
        tracks = [stream for stream in self._input.streams.audio if stream.index in self._tracks]
        for packet in cast("Iterator[av.Packet[av.AudioStream]]", self._input.demux(tracks)):
            index = packet.stream.index
            if index in self._encodes:
                yield from self._encoded(packet)
                continue
            if packet.pts is None or packet.time_base is None:
                continue
            shift = round(self._start / packet.time_base)
            time = (packet.pts - shift) * packet.time_base
            if time + (packet.duration or 0) * packet.time_base <= 0:
                continue  # before the first picture
            packet.pts -= shift
            packet.dts = packet.pts
            packet.stream = self._tracks[index]
            yield time, packet
        for index in self._encodes:
            yield from self._stamped(self._tracks[index].encode(None))

    def _encoded(self, packet: "av.Packet[av.AudioStream]") -> Iterator[_Timed]:
        for frame in packet.decode():
            time_base = frame.time_base or Fraction(1, frame.sample_rate)
            time = (frame.pts or 0) * time_base - self._start
            if time < 0:
                continue
            frame.pts = round(time / time_base)
            yield from self._stamped(self._tracks[packet.stream.index].encode(frame))

    def _stamped(self, packets: "list[av.Packet[av.AudioStream]]") -> Iterator[_Timed]:
        for packet in packets:
            yield (packet.pts or 0) * (packet.time_base or Fraction(0)), packet
