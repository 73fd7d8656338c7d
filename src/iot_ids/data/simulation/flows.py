"""Simulate the built-in default dataset: a small version of BoT-IoT's testbed, as flows of its 5 % release.

The tables of `testbed` become rows here; the columns are the published ones (Koroniotis et al. 2019).

- File order as in the release: DoS, DDoS, Normal, Reconnaissance, Theft, each campaign in order of time. Attacks follow
  each other; normal flows happen during all of them, but are filed in a block of their own.
- A flow merges 1 to 6 Argus records; `mean` to `max` are of their lengths, `dur` also holds the pauses between them.
- Windows are 100 rows of the file, from row 1. Their counts mark them: on a random split strong learners know windows.
- A source works in bursts, each with its own pace and mix of flows: DoS and DDoS use the same tools and overlap. Floods
  leave one-packet flows without duration, which repeat; ARP between attacker and victim carries the attack's label.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from iot_ids.common.atomic import atomic_write
from iot_ids.common.errors import UserError
from iot_ids.data.simulation.testbed import CAMPAIGNS, FLOWS, HOSTS, NORMAL

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


def simulate(rows: int, seed: int) -> pl.DataFrame:
    """Simulate `rows` flows with the 46 columns of BoT-IoT's 5 % release, in its order; equal for equal seeds.

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
    """Write `frame` to `path` in the 5 % release's format (comma, header), atomically."""
    with atomic_write(path) as new:
        frame.write_csv(new)


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
