"""The embedded default dataset: BoT-IoT's testbed in small, as flows of its 5 % release.

Tables describe the testbed, functions turn them into rows. Hosts, tools, counts and columns are the published ones
(Koroniotis et al. 2019). Public samples were looked at for formats, magnitudes and shares; no row of them is copied.

- File order as in the release: DoS, DDoS, Normal, Reconnaissance, Theft, each campaign in order of time. Attacks follow
  each other; normal flows happen during all of them, but are filed in a block of their own.
- A flow merges 1 to 6 Argus records; `mean` to `max` are of their lengths, `dur` also holds the pauses between them.
- Windows are 100 rows of the file, from row 1. Their counts mark them: on a random split strong learners know windows.
- A source works in bursts, each with its own pace and mix of flows: DoS and DDoS use the same tools and overlap. Floods
  leave one-packet flows without duration, which repeat; ARP between attacker and victim carries the attack's label.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from iot_ids.errors import UserError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SMALLEST = WINDOW = 100  # rows

COLUMNS = (  # the 46 of the 5 % release, in its order  # noqa: SIM905
    "pkSeqID stime flgs flgs_number proto proto_number saddr sport daddr dport pkts bytes state state_number ltime seq "
    "dur mean stddev sum min max spkts dpkts sbytes dbytes rate srate drate TnBPSrcIP TnBPDstIP TnP_PSrcIP TnP_PDstIP "
    "TnP_PerProto TnP_Per_Dport AR_P_Proto_P_SrcIP AR_P_Proto_P_DstIP N_IN_Conn_P_DstIP N_IN_Conn_P_SrcIP "
    "AR_P_Proto_P_Sport AR_P_Proto_P_Dport Pkts_P_State_P_Protocol_P_DestIP Pkts_P_State_P_Protocol_P_SrcIP "
    "attack category subcategory"
).split()

# A name's published number is its place in these lists, from 1.
FLAGS = ("e", "e s", "e d", "e *", "e g")
PROTOCOLS = ("tcp", "arp", "udp", "icmp", "ipv6-icmp")
STATES = ("RST", "CON", "REQ", "INT", "URP", "FIN", "ACC", "NRS")

ATTACKERS = tuple(f"192.168.100.{host}" for host in (147, 148, 149, 150))
VICTIMS = tuple(f"192.168.100.{host}" for host in (3, 6, 5, 7))
SENSORS = tuple(f"192.168.100.{host}" for host in (6, 7, 27, 46, 55))  # weather, fridge, lights, garage, heating
SERVER = VICTIMS[:1]
EVERYONE = SERVER * 4 + ATTACKERS + SENSORS
RESOLVERS = ("8.8.8.8", "192.168.217.2", "192.5.5.241", "192.41.162.30", "199.7.83.42", "205.251.198.91")
CLOUD = ("13.55.154.73", "27.124.125.250", "52.11.124.117", "91.189.91.157")
SWEPT = (21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 443, 445, 993, 1723, 3306, 3389, 5900, 8080)
RETRANSMITTED = ("e", "e s", "e s", "e *", "e g")


@dataclass(frozen=True)
class Flow:
    """One kind of flow that a tool leaves behind, `share` times as often as its campaign's other kinds.

    Tuples and ranges are choices; no port means the burst's next one. `extra`: packets of the source beyond one per
    record. Sizes are bytes per packet. `length` of a record, `pause` between two: median seconds, spread of logarithm.
    """

    share: float
    proto: str
    state: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    dport: tuple[int, ...] = ()
    sport: tuple[int, ...] = ()
    records: Sequence[int] = (1,)
    extra: Sequence[int] = (0,)
    replies: Sequence[int] = (0,)
    size: tuple[int, ...] = (60,)
    reply_size: tuple[int, ...] = (60,)
    length: tuple[float, float] = (0.0001, 0.7)
    pause: tuple[float, float] = (5.0, 0.5)
    flags: tuple[str, ...] = ("e",)


@dataclass(frozen=True)
class Campaign:
    """One attack run, or the normal traffic. `published`: rows in the 5 % release; `burst`: flows, on average."""

    category: str
    subcategory: str
    published: int
    burst: int
    flows: tuple[Flow, ...]


ARP = Flow(0.004, "arp", "CON", ATTACKERS, SERVER, (-1,), (-1,), replies=(0, 1))
UNREACHABLE = Flow(0.002, "icmp", "URP", SERVER, ATTACKERS, (0,), (0,), range(1, 5), size=(70,), length=(2.0, 1.0))
REQUEST = Flow(0.9, "tcp", "RST", ATTACKERS, SERVER, (80,), (), range(2, 7), range(2, 11), (3, 4), (128, 174, 205, 247),
               (191, 233), (1.2, 0.9), (5.5, 0.8), RETRANSMITTED)  # fmt: skip
FINISHED = replace(REQUEST, share=0.1, state="FIN")  # GoldenEye: whole requests on connections kept open until a reset


def _tcp_flood(targets: tuple[str, ...], single: float, slow: float, pause: float) -> tuple[Flow, ...]:
    """Hping3's SYN flood: most half-open connections die unanswered or by reset; some linger for seconds."""
    syn = Flow(single, "tcp", "REQ", ATTACKERS, targets, (80,), size=(154,), pause=(pause, 0.4))
    short = replace(syn, records=range(2, 6), size=(60, 107, 154), length=(0.12, 0.6), flags=RETRANSMITTED)
    unanswered = replace(short, share=0.35 - slow / 2, extra=range(4))
    reset = replace(short, share=0.4 - slow / 2, state="RST", extra=range(4), replies=range(5))
    stalled = replace(short, share=slow / 2, extra=range(1, 7), length=(3.2, 0.3))
    dropped = replace(stalled, state="RST", replies=range(5))
    backscatter = replace(dropped, share=0.01, sources=targets, targets=ATTACKERS, sport=(80,), dport=())
    others = replace(syn, share=0.25, records=(2, 3)), replace(ARP, targets=targets)
    return syn, unanswered, reset, stalled, dropped, backscatter, *others


def _udp_flood(targets: tuple[str, ...], single: float, busy: float, pause: float) -> tuple[Flow, ...]:
    """Hping3's UDP flood: nobody answers; the victim's ICMP complaints are rare."""
    lone = Flow(single, "udp", "INT", ATTACKERS, targets, (80,), pause=(pause, 0.4))
    steady = replace(lone, share=0.8 - busy, records=(2, 3, 4), extra=range(1, 7), length=(3.3, 0.3))
    sparse, dense = replace(steady, share=0.1, extra=(0,)), replace(steady, share=busy, extra=range(3, 10))
    return lone, sparse, steady, dense, replace(UNREACHABLE, sources=targets), replace(ARP, targets=targets)


def _scan(sweep: tuple[int, ...], closed: float, odd: float) -> tuple[Flow, ...]:
    """Nmap, hping3 and xprobe2: ports that answer at once, late or never, and greetings of those that are open."""
    probe = Flow(closed, "tcp", "RST", ATTACKERS, VICTIMS, sweep, replies=(1,), size=(58, 60, 74), reply_size=(54, 60))
    late = replace(probe, share=odd, extra=(1, 2), length=(0.15, 1.2))
    silent = replace(probe, share=0.1, state="REQ", records=(1, 2), replies=(0,), size=(60, 74), pause=(1.0, 0.2))
    stubborn = replace(silent, share=odd / 2, records=range(2, 5), extra=range(3), length=(2.0, 0.8))
    greeted = replace(late, share=0.06, state="FIN", dport=(22, 80, 445), extra=range(3, 10), replies=range(3, 10))
    datagram = replace(silent, share=0.05, proto="udp", state="INT", records=(1,), size=(42, 60, 82))
    icmp, arp = replace(UNREACHABLE, share=0.04, sources=VICTIMS), replace(ARP, share=0.02)
    return probe, late, silent, stubborn, greeted, datagram, icmp, arp


# Metasploit: logins tried over SSH, a shell answering key by key, now and then a file carried away.
LOGIN = Flow(0.35, "tcp", "FIN", ATTACKERS, SERVER + SENSORS[:2], (22,), (), (1,), range(6, 17), range(7, 18),
             (74, 117, 128), (120, 216), (1.5, 1.0), flags=("e", "e s"))  # fmt: skip
SHELL = replace(LOGIN, share=0.3, state="CON", dport=(4444,), records=range(2, 6), length=(0.1, 1.4))
CARRIED = replace(SHELL, share=0.3, size=(1200,), extra=range(40, 900), replies=range(20, 500), length=(3.0, 0.6))
REFUSED = replace(LOGIN, share=0.2, state="RST", extra=range(1, 4), replies=range(1, 4), length=(0.004, 1.2))
# Names, clocks, neighbours, sensors' reports; the attackers' machines have a life beside their campaigns.
LOOKUP = Flow(0.4, "udp", "CON", EVERYONE, RESOLVERS, (53,), replies=(1,), size=(70, 82, 85, 90, 93),
              reply_size=(140, 152, 178, 214, 330), length=(0.03, 1.6))  # fmt: skip
CLOCK = replace(LOOKUP, share=0.05, targets=CLOUD, dport=(123,), sport=(123,), size=(90,), reply_size=(90,))
UNHEARD = replace(LOOKUP, share=0.12, state="INT", records=(1, 2), replies=(0,))
MULTICAST = replace(UNHEARD, share=0.1, targets=("224.0.0.251",), dport=(5353,), extra=(0, 1), length=(1.0, 0.4))
NEIGHBOUR = Flow(0.1, "arp", "CON", EVERYONE, ("192.168.100.1", *SERVER), (-1,), (-1,), (1, 2), replies=(0, 1, 2))
ROUTER = Flow(0.02, "ipv6-icmp", "NRS", ("fe80::250:56ff:febe:254",), ("ff02::2",), (0,), (133,), (1, 2))
PUBLISH = Flow(0.05, "tcp", "CON", SENSORS, SERVER, (1883, 8883), (), range(2, 7), range(1, 10), range(3, 13),
               (66, 117, 128), (66, 70), (0.2, 1.4), (9.0, 1.0), RETRANSMITTED)  # fmt: skip
STREAM = replace(PUBLISH, share=0.03, proto="udp", state="INT", dport=(80,), replies=(0,), length=(3.5, 0.3))
BROWSE = replace(PUBLISH, share=0.05, state="FIN", dport=(443,), sources=EVERYONE, targets=CLOUD, length=(0.3, 1.5))
THEFT = (LOGIN, REFUSED, SHELL, replace(ARP, share=0.1))
CAMPAIGNS = (  # in the order of the file
    Campaign("DoS", "HTTP", 1_485, 150, tuple(replace(flow, targets=VICTIMS) for flow in (REQUEST, FINISHED, ARP))),
    Campaign("DoS", "TCP", 615_800, 250, _tcp_flood(VICTIMS, 0.25, 0.16, 8.0)),
    Campaign("DoS", "UDP", 1_032_975, 250, _udp_flood(VICTIMS, 0.10, 0.25, 6.0)),
    Campaign("DDoS", "HTTP", 989, 100, (REQUEST, FINISHED, ARP)),
    Campaign("DDoS", "TCP", 977_380, 150, _tcp_flood(SERVER, 0.18, 0.36, 6.0)),
    Campaign("DDoS", "UDP", 948_255, 150, _udp_flood(SERVER, 0.07, 0.40, 4.0)),
    Campaign(
        "Normal", "Normal", 477, 3, (LOOKUP, CLOCK, UNHEARD, MULTICAST, NEIGHBOUR, ROUTER, PUBLISH, STREAM, BROWSE)
    ),
    Campaign("Reconnaissance", "Service_Scan", 73_168, 60, _scan((), 0.60, 0.10)),
    Campaign("Reconnaissance", "OS_Fingerprint", 17_914, 60, _scan(SWEPT, 0.45, 0.25)),
    Campaign("Theft", "Keylogging", 73, 8, (*THEFT, replace(CARRIED, share=0.02))),
    Campaign("Theft", "Data_Exfiltration", 6, 8, (*THEFT, CARRIED)),
)
NORMAL = [campaign.category for campaign in CAMPAIGNS].index("Normal")
FLOWS = [flow for campaign in CAMPAIGNS for flow in campaign.flows]
HOSTS = sorted({host for flow in FLOWS for host in flow.sources + flow.targets})


def simulate(rows: int, seed: int) -> pl.DataFrame:
    """`rows` flows of the testbed: the 46 columns of BoT-IoT's 5 % release, in its order; equal for equal seeds.

    Rates are per second, times in seconds, with six decimals; ports are text (`-1` for ARP, hexadecimal for ICMP). From
    4,770 rows on there are 477 Normal and 79 Theft flows, below fewer; the other classes share the rest as published.
    """
    if rows < SMALLEST:
        raise UserError(f"A simulation needs at least {SMALLEST} rows, but dataset.rows is {rows}: ask for more.")
    if seed < 0:
        raise UserError(f"The seed of a simulation cannot be negative, but dataset.seed is {seed}: use 0 or more.")
    rng = np.random.default_rng(seed)
    campaign = np.repeat(np.arange(len(CAMPAIGNS)), _campaign_rows(rows))
    starts = rng.random(rows) < 1 / np.array([each.burst for each in CAMPAIGNS])[campaign]
    burst = np.cumsum(starts | (np.diff(campaign, prepend=-1) > 0)) - 1
    flow = _flows(rng, campaign, burst)
    frame = pl.DataFrame(_ends(rng, campaign, burst, flow) | _volume(rng, flow, burst) | {"campaign": campaign})
    frame = frame.with_columns(**_times(rng, campaign, frame["dur"].to_numpy()))
    return frame.with_columns(**_window_features()).with_columns(**_names()).select(COLUMNS)


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Writes the 5 % release's format (comma, header) to `path`: wholly or, if something fails, not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        frame.write_csv(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _campaign_rows(rows: int) -> Ints:
    """Rows of each campaign, int64[11]. In a small file the rare ones keep enough to be split."""
    published = np.array([campaign.published for campaign in CAMPAIGNS])
    keylogging = min(73, max(6, rows // 25 - 6))
    rare = {"Normal": min(477, max(12, rows // 10)), "Keylogging": keylogging, "Data_Exfiltration": 6}
    counts: Ints = np.array([rare.get(campaign.subcategory, 0) for campaign in CAMPAIGNS])
    counts[(counts == 0) & (published * rows < 6 * published.sum())] = 6
    many = counts == 0
    counts[many] = (rows - counts.sum()) * published[many] // published[many].sum()
    counts[np.argmax(counts)] += rows - counts.sum()  # what rounding left over
    return counts


def _flows(rng: np.random.Generator, campaign: Ints, burst: Ints) -> Ints:
    """Which of `FLOWS` each row is. A burst tilts its campaign's shares, towards the first kinds or the last."""
    tilt = np.exp(rng.normal(0, 0.5, burst[-1] + 1))[burst]
    shares = [np.array([flow.share for flow in each.flows]) for each in CAMPAIGNS]
    edges: Floats = np.concatenate([place + np.cumsum(each) / each.sum() for place, each in enumerate(shares)])
    drawn: Floats = np.minimum(rng.random(burst.size) ** tilt, 1 - 1e-9)
    return np.searchsorted(edges, campaign + drawn, side="right").astype(np.int64)


def _pick(field: str, flow: Ints, uniform: Floats, names: Sequence[str] = ()) -> Ints:
    """The choice (or its place in `names`) of each row's flow at `uniform` in [0, 1); -2 where there is none."""
    choices = [[names.index(each) if names else each for each in getattr(kind, field)] or [-2] for kind in FLOWS]
    sizes = np.array([len(each) for each in choices])
    places: Ints = (np.cumsum(sizes) - sizes)[flow] + (uniform * sizes[flow]).astype(np.int64)
    return np.take(np.concatenate(choices, dtype=np.int64), places)


def _microseconds(rng: np.random.Generator, field: str, flow: Ints) -> Floats:
    median, spread = np.array([getattr(kind, field) for kind in FLOWS]).T
    return np.take(1e6 * median, flow) * np.exp(np.take(spread, flow) * rng.standard_normal(flow.size))


def _ends(rng: np.random.Generator, campaign: Ints, burst: Ints, flow: Ints) -> dict[str, Any]:
    """Who talks to whom and how: names still as numbers, which is what the windows group by."""
    source, target = rng.random((2, burst[-1] + 1))[:, burst]
    alone = np.array([each.category == "DoS" for each in CAMPAIGNS])[campaign]  # each attacker keeps to its own victim
    port = 1024 + (rng.integers(0, 64_512, burst[-1] + 1)[burst] + np.arange(burst.size)) % 64_512
    ports = {field: _pick(field, flow, rng.random(flow.size)) for field in ("sport", "dport")}
    return {field: np.where(choice == -2, port, choice) for field, choice in ports.items()} | {
        "flgs_number": _pick("flags", flow, rng.random(flow.size), FLAGS) + 1,
        "proto_number": np.array([PROTOCOLS.index(each.proto) + 1 for each in FLOWS])[flow],
        "state_number": np.array([STATES.index(each.state) + 1 for each in FLOWS])[flow],
        "saddr": _pick("sources", flow, source, HOSTS),
        "daddr": _pick("targets", flow, np.where(alone, source, target), HOSTS),
    }


def _volume(rng: np.random.Generator, flow: Ints, burst: Ints) -> dict[str, Any]:
    """Packets, bytes, lengths and rates (intervals between packets per second; 0 for what took no time)."""
    records, extra, dpkts = (_pick(field, flow, rng.random(flow.size)) for field in ("records", "extra", "replies"))
    packets = {"pkts": records + extra + dpkts, "spkts": records + extra, "dpkts": dpkts}
    sbytes = packets["spkts"] * _pick("size", flow, rng.random(flow.size))
    dbytes = dpkts * _pick("reply_size", flow, rng.random(flow.size))
    lengths = _lengths(rng, flow, records, extra + dpkts)
    pace = np.exp(rng.normal(0, 0.5, burst[-1] + 1))[burst]
    seconds = (lengths["sum"] + np.rint(_microseconds(rng, "pause", flow) * pace) * (records - 1)) / 1e6
    spans = {name: np.round(microseconds / 1e6, 6) for name, microseconds in lengths.items()}
    time = np.where(seconds > 0, seconds, np.inf)
    rates = {f"{name[:-4]}rate": np.round(np.maximum(each - 1, 0) / time, 6) for name, each in packets.items()}
    return packets | rates | spans | {"dur": seconds, "bytes": sbytes + dbytes, "sbytes": sbytes, "dbytes": dbytes}


def _lengths(rng: np.random.Generator, flow: Ints, records: Ints, spare: Ints) -> dict[str, Floats]:
    """Statistics of the records' lengths in whole microseconds: more than nothing only for two packets or more."""
    lasting = np.minimum(np.minimum(spare, records), np.maximum(1, rng.binomial(records, 0.75)))
    total, squares, longest = np.zeros((3, flow.size))
    shortest = np.full(flow.size, np.inf)
    for record in range(records.max()):
        length = np.ceil(_microseconds(rng, "length", flow) % 4_999_999)  # Argus reports a flow that goes on every 5 s
        length[record >= lasting] = 0
        total, squares, longest = total + length, squares + length**2, np.maximum(longest, length)
        shortest = np.where(record < records, np.minimum(shortest, length), shortest)
    deviation = np.sqrt(np.maximum(0, squares / records - (total / records) ** 2))
    return {"mean": total / records, "stddev": deviation, "sum": total, "min": shortest, "max": longest}


def _times(rng: np.random.Generator, campaign: Ints, duration: Floats) -> dict[str, Any]:
    """When each flow began and ended, in whole seconds since 1970, and its number in the file and in its campaign."""
    hours = np.sort(campaign + rng.random(campaign.size))  # an hour each, but the normal traffic goes on all the time
    hours = np.where(campaign == NORMAL, (hours - NORMAL) * len(CAMPAIGNS), hours)
    seconds, place = 1_527_811_200 + 3_600 * hours, np.arange(campaign.size)  # from 2018-06-01, the captures' month
    return {
        "stime": np.floor(seconds).astype(np.int64),
        "ltime": np.floor(seconds + duration).astype(np.int64),
        "seq": place - np.searchsorted(campaign, campaign) + 1,
        "pkSeqID": place + 1,
    }


def _window_features() -> dict[str, pl.Expr]:
    """What a row shares with the other rows of its window: bytes, packets, connections, and packets per second."""
    window = (pl.col("pkSeqID") - 1) // WINDOW

    def total(column: str, *keys: str) -> pl.Expr:
        return pl.col(column).sum().over(window, *keys)

    def pace(key: str) -> pl.Expr:
        packets, seconds = total("pkts", "proto_number", key), total("dur", "proto_number", key)
        return pl.when(seconds > 0).then(packets / seconds).otherwise(0.0).round(6)

    features = {"TnP_PerProto": total("pkts", "proto_number"), "TnP_Per_Dport": total("pkts", "dport")}
    for end, place, key in (("Src", "Src", "saddr"), ("Dst", "Dest", "daddr")):
        features[f"TnBP{end}IP"] = total("bytes", key)
        features[f"TnP_P{end}IP"] = total("pkts", key)
        features[f"AR_P_Proto_P_{end}IP"] = pace(key)
        features[f"N_IN_Conn_P_{end}IP"] = pl.len().over(window, key).cast(pl.Int64)
        features[f"Pkts_P_State_P_Protocol_P_{place}IP"] = total("pkts", "state_number", "proto_number", key)
    return features | {"AR_P_Proto_P_Sport": pace("sport"), "AR_P_Proto_P_Dport": pace("dport")}


def _names() -> dict[str, pl.Expr]:
    """Numbers to the texts of the release, and the labels. ICMP's ports are its type and code: port 80 unreachable."""
    icmp = pl.col("proto_number") == PROTOCOLS.index("icmp") + 1
    labels = {name: [getattr(each, name) for each in CAMPAIGNS] for name in ("category", "subcategory")}

    def named(names: Sequence[str], number: pl.Expr) -> pl.Expr:
        return pl.lit(pl.Series(names, dtype=pl.String)).gather(number)

    return {
        "flgs": named(FLAGS, pl.col("flgs_number") - 1),
        "proto": named(PROTOCOLS, pl.col("proto_number") - 1),
        "state": named(STATES, pl.col("state_number") - 1),
        "sport": pl.when(icmp).then(pl.lit("0x0303")).otherwise(pl.col("sport").cast(pl.String)),
        "dport": pl.when(icmp).then(pl.lit("0x5000")).otherwise(pl.col("dport").cast(pl.String)),
        "attack": (pl.col("campaign") != NORMAL).cast(pl.Int64),
        **{name: named(HOSTS, pl.col(name)) for name in ("saddr", "daddr")},
        **{name: named(names, pl.col("campaign")) for name, names in labels.items()},
    }
