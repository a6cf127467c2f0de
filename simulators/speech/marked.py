"""Text carried as sound, for callers and agents that have no voice (text mode).

A transmission is a 320 ms hum (the lead-in: wakes voice detectors, may be cut), then packets of 40 ms. A packet is
four symbols of 10 ms: a known one to find it by, then three that carry 18 bytes in the phase *changes* of 24
harmonics of 125 Hz (differential QPSK), so that neither level, sample rate nor a shift in time matters. Every packet
is numbered, has a checksum and is sent twice, about 120 ms apart. Harmonics of 125 Hz between 375 and 3,250 Hz are
what a vowel is made of: voice detectors take it for speech.

    sender:    pcm = encode("two chicken burgers", 24_000)
    receiver:  decoder = MarkedDecoder(16_000); messages = decoder.feed(pcm_as_it_comes)
"""

import binascii
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BEACON = "\x05"
"""The message that says "this caller speaks text, answer in text"."""

Samples = npt.NDArray[np.float64]

_CARRIERS_HZ = 125.0 * np.arange(3, 27)
_AMPLITUDE = 0.038  # 24 of them never clip (0.91) and have an RMS of -17.6 dBFS
_SYMBOL_S = 0.010
_PREFIX_S = 0.002  # each symbol starts with a copy of its own end; the reader may be 1 ms off either way
_SYMBOLS = 4
_PACKET_S = _SYMBOLS * _SYMBOL_S
_PACKET_BYTES = len(_CARRIERS_HZ) * 2 * (_SYMBOLS - 1) // 8
_PAYLOAD_BYTES = _PACKET_BYTES - 5  # flags, index, total, checksum (2)
_LEAD_IN_SYMBOLS = 32
_TAIL_S = 0.03  # silence that pushes the last packet out of a streaming resampler
_COPY_LAG = 3
_PACKETS_MAX = 255
_TEXT_BYTES_MAX = _PACKETS_MAX * _PAYLOAD_BYTES - 4

_QUIET_LEVEL = 40  # of 32,768
_QUIET_RUN_S = 0.004
_FOUND_AT = 0.6  # correlation with the known symbol; speech stays below 0.3
_STALE_S = 3.0  # after this long without a packet nobody waits for the rest,
_FORGOTTEN_S = 10.0  # and after this long a packet belongs to another transmission

# A quadratic phase (Newman) keeps the known symbol's peaks low and its correlation sharp.
_KNOWN_PHASE = np.pi * np.arange(len(_CARRIERS_HZ)) ** 2 / len(_CARRIERS_HZ)
_WHITENER = np.random.Generator(np.random.PCG64(1963)).integers(0, 256, _PACKET_BYTES, dtype=np.uint8)
_serials = itertools.count()


class TextTooLong(ValueError):
    """The text does not fit one transmission (about 3,300 bytes of UTF-8)."""


def encode(text: str, rate: int, *, final: bool = True) -> bytes:
    """S16LE mono PCM that carries `text`; 0.5 s for a short answer, about 150 bytes per second for a long one.

    With `final=False` the receiver holds the text and delivers it joined to the transmissions that follow, up to a
    final one. Two encodings of one text differ in a serial number, so that "yes" said twice is heard twice.
    """
    body = text.encode()
    if len(body) > _TEXT_BYTES_MAX:
        raise TextTooLong(f"{len(body)} bytes of text, at most {_TEXT_BYTES_MAX}")
    body = len(body).to_bytes(2, "big") + body
    body += binascii.crc_hqx(body, 0x1D0F).to_bytes(2, "big")
    chunks = [body[at : at + _PAYLOAD_BYTES] for at in range(0, len(body), _PAYLOAD_BYTES)]
    serial = next(_serials) % 64
    phases = [_lead_in_phases()]
    for index, copy in _sending_order(len(chunks)):
        flags = serial << 2 | copy << 1 | int(final)
        phases.append(_packet_phases(bytes((flags, index, len(chunks))) + chunks[index].ljust(_PAYLOAD_BYTES, b"\0")))
    sound = _sing(np.concatenate(phases), rate)
    tail = np.zeros(round(_TAIL_S * rate))
    return (np.concatenate((sound, tail)) * 32767).astype("<i2").tobytes()


class MarkedDecoder:
    """Finds transmissions in PCM of one rate. Feed it everything; it ignores speech, noise and silence.

    Gaps of silence inside a transmission are closed before reading. A damaged packet is taken from its second copy; a
    message with a packet lost twice is dropped. Nothing is delivered twice.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._quiet_run = round(_QUIET_RUN_S * rate)
        self._packet_samples = round(_PACKET_S * rate)
        self._odd = b""
        self._undecided = np.zeros(0)  # quiet samples at the end: a zero crossing or the start of a gap
        self._sound = np.zeros(0)
        self._clock_samples = 0
        known = _sing(_KNOWN_PHASE[np.newaxis, :], rate)
        self._known = known / np.linalg.norm(known)
        self._inbox = _Inbox()

    @property
    def receiving(self) -> bool:
        """A transmission has begun and its message is not complete (nor given up)."""
        return self._inbox.is_open(self._now_s())

    def feed(self, pcm: bytes) -> list[str]:
        """The messages that this piece completes. Pieces may be of any length, odd ones too."""
        pcm = self._odd + pcm
        self._odd = pcm[len(pcm) & ~1 :]
        fresh = np.frombuffer(pcm[: len(pcm) & ~1], dtype="<i2").astype(np.float64)
        self._clock_samples += len(fresh)
        self._sound = np.concatenate((self._sound, self._without_gaps(fresh)))
        messages = [message for packet in self._packets() for message in self._inbox.take(packet, self._now_s())]
        return messages + self._inbox.give_up(self._now_s())

    def _now_s(self) -> float:
        return self._clock_samples / self._rate

    def _without_gaps(self, fresh: Samples) -> Samples:
        samples = np.concatenate((self._undecided, fresh))
        quiet = np.abs(samples) <= _QUIET_LEVEL
        keep = ~quiet
        edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
        self._undecided = np.zeros(0)
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end == len(samples):
                # One full run is enough to know it for a gap: more of it need not be kept.
                self._undecided = samples[start:end][: self._quiet_run]
            elif end - start < self._quiet_run:
                keep[start:end] = True
        return samples[keep]

    def _packets(self) -> Iterator[bytes]:
        """Whole packets in the buffered sound, in order; leaves what may still become one."""
        # The last symbol is read 1 ms before its end, so the last millisecond may be missing.
        needed = self._packet_samples - round(_PREFIX_S / 2 * self._rate)
        at = 0
        scores = self._scores()
        while len(self._sound) - at >= needed:
            ready = scores[at : len(self._sound) - needed + 1]
            found = np.flatnonzero(ready > _FOUND_AT)
            if not len(found):
                at += len(ready)
                break
            # The peak is at most a millisecond after the first sample above the mark.
            first = at + int(found[0])
            at = first + int(np.argmax(scores[first : first + round(0.001 * self._rate)]))
            if len(self._sound) - at < needed:
                break
            packet = _read_packet(self._sound[at : at + self._packet_samples], self._rate)
            if packet is None:
                at += round(0.001 * self._rate)
            else:
                yield packet
                at += needed
        self._sound = self._sound[at:]

    def _scores(self) -> Samples:
        size = len(self._known)
        if len(self._sound) < size:
            return np.zeros(0)
        energy = np.cumsum(np.concatenate(([0.0], self._sound**2)))
        norms = np.sqrt(np.maximum(energy[size:] - energy[:-size], 1.0))
        return np.asarray(np.correlate(self._sound, self._known, "valid") / norms)


@dataclass(slots=True)
class _Inbox:
    """Packets become messages; second copies and repeats fall away."""

    serial: int = -1
    total: int = 0
    position: int = -1
    heard_s: float = 0.0
    complete: bool = True
    chunks: dict[int, bytes] = field(default_factory=dict)
    held: str = ""

    def is_open(self, now_s: float) -> bool:
        return not self.complete and now_s - self.heard_s < _STALE_S

    def take(self, packet: bytes, now_s: float) -> list[str]:
        flags, index, total = packet[:3]
        serial, copy, final = flags >> 2, flags >> 1 & 1, flags & 1
        if index >= total:
            return []
        position = next(at for at, step in enumerate(_sending_order(total)) if step == (index, copy))
        # Packets of one transmission only move forwards: an earlier one belongs to a new transmission.
        same = (serial, total) == (self.serial, self.total) and position > self.position
        if not same or now_s - self.heard_s > _FORGOTTEN_S:
            self.serial, self.total, self.complete, self.chunks = serial, total, False, {}
        self.position, self.heard_s = position, now_s
        if self.complete:
            return []
        self.chunks[index] = packet[3 : 3 + _PAYLOAD_BYTES]
        if len(self.chunks) < total:
            return []
        self.complete = True
        text = _open_body(b"".join(self.chunks[at] for at in range(total)))
        if text is None:
            return []
        self.held += text
        return self._deliver() if final else []

    def give_up(self, now_s: float) -> list[str]:
        """Held parts whose final one never came are delivered as they are."""
        if self.held and now_s - self.heard_s > _STALE_S:
            return self._deliver()
        return []

    def _deliver(self) -> list[str]:
        text, self.held = self.held, ""
        return [text]


def _sending_order(total: int) -> list[tuple[int, int]]:
    """(index, copy) in the order of sending: a packet's second copy follows its first by about three packets."""
    slots = [(2 * index, index, 0) for index in range(total)]
    slots += [(2 * (index + _COPY_LAG) - 1, index, 1) for index in range(total)]
    return [(index, copy) for _, index, copy in sorted(slots)]


def _open_body(body: bytes) -> str | None:
    end = 2 + int.from_bytes(body[:2], "big")
    if end + 2 > len(body) or binascii.crc_hqx(body[:end], 0x1D0F) != int.from_bytes(body[end : end + 2], "big"):
        return None
    return body[2:end].decode()


def _packet_phases(content: bytes) -> Samples:
    sealed = content + binascii.crc_hqx(content, 0xFFFF).to_bytes(2, "big")
    bits = np.unpackbits(np.frombuffer(sealed, np.uint8) ^ _WHITENER)
    # Gray code: neighbouring quarter turns differ in one bit.
    turns = (bits[::2] << 1 | bits[::2] ^ bits[1::2]).reshape(_SYMBOLS - 1, -1)
    steps = np.concatenate((np.zeros((1, len(_CARRIERS_HZ))), turns * (np.pi / 2)))
    return np.asarray(_KNOWN_PHASE + np.cumsum(steps, axis=0))


def _read_packet(sound: Samples, rate: int) -> bytes | None:
    spectra = []
    for symbol in range(_SYMBOLS):
        start_s = symbol * _SYMBOL_S + _PREFIX_S / 2
        first = round(start_s * rate)
        window = sound[first : round((start_s + _SYMBOL_S - _PREFIX_S) * rate)]
        # Times are exact, so rates with a fractional number of samples per symbol (22,050 Hz) read right.
        times = np.arange(first, first + len(window)) / rate - symbol * _SYMBOL_S
        spectra.append(np.exp(-2j * np.pi * np.outer(_CARRIERS_HZ, times)) @ window)
    turned = np.array([after * np.conj(before) for before, after in itertools.pairwise(spectra)])
    turns = np.round(np.angle(turned) / (np.pi / 2)).astype(np.int64).ravel() % 4
    high = turns >> 1
    bits = np.column_stack((high, high ^ (turns & 1))).ravel().astype(np.uint8)
    sealed = (np.packbits(bits) ^ _WHITENER).tobytes()
    content, checksum = sealed[:-2], sealed[-2:]
    return content if binascii.crc_hqx(content, 0xFFFF).to_bytes(2, "big") == checksum else None


def _lead_in_phases() -> Samples:
    """The hum: a vowel whose colour changes every 40 ms, and never the known symbol."""
    colours = np.random.Generator(np.random.PCG64(7)).uniform(0, 2 * np.pi, (_LEAD_IN_SYMBOLS // 4, len(_CARRIERS_HZ)))
    return np.repeat(colours, 4, axis=0)


def _sing(phases: Samples, rate: int) -> Samples:
    """One symbol per row of phases, at this rate."""
    times = np.arange(round(len(phases) * _SYMBOL_S * rate)) / rate
    symbols = np.minimum((times / _SYMBOL_S + 1e-9).astype(np.int64), len(phases) - 1)
    within = times - symbols * _SYMBOL_S - _PREFIX_S
    sound = np.zeros(len(times))
    for carrier, hertz in enumerate(_CARRIERS_HZ):
        sound += np.cos(2 * np.pi * hertz * within + phases[symbols, carrier])
    return sound * _AMPLITUDE
