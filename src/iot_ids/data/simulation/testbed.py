"""BoT-IoT's testbed as tables: its hosts, the flows of its tools, and its campaigns as published.

Hosts, tools and counts are the published ones (Koroniotis et al. 2019). Public samples were looked at for formats,
magnitudes and shares; no row of them is copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    """One kind of flow that a tool causes, `share` times as often as its campaign's other kinds.

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
