"""Every metric of the product in one place, on a registry of its own; docs/metrics.md lists them (a test compares).
Hot paths count lists (`inc(n)`), never single messages; where one at a time is all there is, they keep a `Tally`.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

_STEP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Tally:
    """A counter that is read seldom and counted up often: `count += 1` costs no lock. For one thread."""

    __slots__ = ("_counter", "count")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.count = 0

    def settle(self) -> None:
        """Add to the counter what was counted since the last time."""
        count, self.count = self.count, 0
        self._counter.inc(count)


class _Tallies(Collector):
    """All tallies. The registry asks its collectors in the order of their registration, and this one has no metrics of
    its own: as the first it settles what the others are about to tell, so that every reading is exact."""

    def __init__(self) -> None:
        self.every: list[Tally] = []

    def collect(self) -> Iterable[Metric]:
        for tally in self.every:
            tally.settle()
        return ()


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._tallies = _Tallies()
        r.register(self._tallies)
        self.accepted = Counter("whimbrel_messages_accepted", "Messages accepted", ["door"], registry=r)
        self.refused = Counter("whimbrel_messages_refused", "Messages refused at accept", ["code"], registry=r)
        self.submitted = Counter(
            "whimbrel_segments_submitted", "Segments written to a carrier", ["carrier"], registry=r
        )
        self.answers = Counter("whimbrel_answers", "Carriers' answers", ["carrier", "kind"], registry=r)
        self.receipts = Counter("whimbrel_receipts", "Delivery receipts", ["carrier", "result"], registry=r)
        self.inbound = Counter("whimbrel_inbound", "Inbound texts and parts", ["result"], registry=r)
        self.smpp_deliveries = Counter(
            "whimbrel_smpp_deliveries", "Receipts and texts for customers' binds", ["result"], registry=r
        )
        self.webhooks = Counter("whimbrel_webhook_tries", "Webhook tries", ["result"], registry=r)
        self.requests = Counter("whimbrel_http_requests", "HTTP requests", ["door", "status"], registry=r)
        self.step = Histogram(
            "whimbrel_step_seconds", "Time of one list through a step", ["step"], buckets=_STEP_BUCKETS, registry=r
        )
        self.commits = Counter("whimbrel_store_commits", "Group commits", registry=r)
        self.commit_rows = Counter("whimbrel_store_scripts", "Transaction scripts in group commits", registry=r)
        self.queue = Gauge("whimbrel_queue_messages", "Messages waiting", ["carrier", "message_class"], registry=r)
        self.queue_age = Gauge(
            "whimbrel_queue_age_seconds", "Age of the oldest waiting message", ["carrier", "message_class"], registry=r
        )
        self.window = Gauge("whimbrel_window_used", "Segments in flight", ["carrier"], registry=r)
        self.stalled = Gauge(
            "whimbrel_window_stalled_seconds", "How long a full window has not moved", ["carrier"], registry=r
        )
        self.ignored = Gauge("whimbrel_ignored_requests", "Requests of a carrier ignored", ["carrier"], registry=r)
        self.binds = Gauge("whimbrel_binds", "Binds that are up", ["carrier"], registry=r)
        self.smpp_binds = Gauge("whimbrel_smpp_binds", "Customers' binds that are up", registry=r)
        self.smpp_requests = Counter(
            "whimbrel_smpp_requests", "Answers to customers' SMPP requests", ["command", "status"], registry=r
        )
        self.smpp_binds_refused = Counter(
            "whimbrel_smpp_binds_refused", "Customers' binds refused", ["reason"], registry=r
        )
        self.throttled = Gauge("whimbrel_throttled", "How often a carrier said wait", ["carrier"], registry=r)
        self.set_aside = Gauge("whimbrel_set_aside", "Segments told to wait again and again", ["carrier"], registry=r)
        self.smpp_owed = Gauge("whimbrel_smpp_owed", "Receipts and texts that customers' binds are owed", registry=r)
        self.webhook_lag = Gauge("whimbrel_webhook_lag_events", "Events not yet handed to an endpoint", registry=r)
        self.stream_events = Counter(
            "whimbrel_stream_events", "Events that a broker acknowledged", ["stream"], registry=r
        )
        self.stream_gaps = Counter(
            "whimbrel_stream_gaps", "Times that events were purged before a broker had them", ["stream"], registry=r
        )
        self.stream_lag = Gauge(
            "whimbrel_stream_lag_seconds", "Age of the oldest event that a broker lacks", ["stream"], registry=r
        )
        self.stream_up = Gauge("whimbrel_stream_up", "Whether a broker takes events", ["stream"], registry=r)
        self.cell_up = Gauge("whimbrel_cell_up", "Whether another cell can be reached", ["cell"], registry=r)
        self.loop_lag = Gauge("whimbrel_loop_lag_seconds", "How late the event loop runs its timers", registry=r)
        self._of_processes(r)
        self._of_nodes(r)
        self._of_products(r)
        self._of_rules(r)

    def _of_products(self, r: CollectorRegistry) -> None:
        """Of what stands on the journey."""
        self.link_clicks = Counter("whimbrel_link_clicks", "Clicks on short links", ["kind"], registry=r)
        self.link_clicks_lost = Counter("whimbrel_link_clicks_lost", "Clicks that were not counted", registry=r)
        self.media_kept = Counter("whimbrel_media_kept", "Media brought or fetched", ["source"], registry=r)
        self.media_refused = Counter("whimbrel_media_refused", "Media that were not taken", ["code"], registry=r)
        self.verifications = Counter("whimbrel_verifications", "What became of verifications", ["result"], registry=r)
        self.verify_factors = Counter("whimbrel_verify_factors", "What became of factors", ["result"], registry=r)
        self.verify_challenges = Counter(
            "whimbrel_verify_challenges", "Codes of factors that were looked at", ["result"], registry=r
        )
        self.verify_sends = Counter(
            "whimbrel_verify_sends", "Attempts at bringing codes", ["channel", "result"], registry=r
        )
        self.verify_fallbacks = Counter(
            "whimbrel_verify_fallbacks", "Channels that another one was taken after", ["channel", "reason"], registry=r
        )
        self.verify_blocks = Counter("whimbrel_verify_blocks", "Blocks of the pumping guard", ["reason"], registry=r)

    def _of_rules(self, r: CollectorRegistry) -> None:
        self.sender_warnings = Counter(
            "whimbrel_sender_warnings", "Messages accepted with a note on their sender", ["code"], registry=r
        )
        self.put_off = Counter("whimbrel_messages_put_off", "Messages put off in queues", ["reason"], registry=r)

    def _of_processes(self, r: CollectorRegistry) -> None:
        self.process_up = Gauge(
            "whimbrel_process_up", "Whether a process answered this scrape", ["process"], registry=r
        )
        self.process_restarts = Counter(
            "whimbrel_process_restarts", "Processes that ended and were started again", ["process"], registry=r
        )
        ProcessCollector(registry=r)

    def _of_nodes(self, r: CollectorRegistry) -> None:
        """Where several share a database."""
        self.store_troubles = Counter(
            "whimbrel_store_troubles", "What went wrong with connections and commits", ["kind"], registry=r
        )
        self.nodes = Gauge("whimbrel_nodes", "Nodes that are alive, as this one sees them", registry=r)
        self.leases = Gauge("whimbrel_leases", "Leases that this node has", ["kind"], registry=r)
        self.lease_renewal_age = Gauge(
            "whimbrel_lease_renewal_age_seconds", "Since this node last renewed its leases", registry=r
        )
        self.configuration_age = Gauge(
            "whimbrel_configuration_age_seconds", "Since this node last saw what is configured", registry=r
        )
        self.templated = Counter(
            "whimbrel_messages_of_templates", "Messages accepted that a template made", ["message_class"], registry=r
        )
        self.flow_runs = Counter("whimbrel_flow_runs", "Runs of flows begun, refused and ended", ["result"], registry=r)
        self.flow_steps = Counter("whimbrel_flow_steps", "Steps of flows", ["kind"], registry=r)
        self.campaign_recipients = Counter(
            "whimbrel_campaign_recipients", "Recipients of campaigns that were looked at", ["result"], registry=r
        )
        self.schedule_recipients = Counter(
            "whimbrel_schedule_recipients", "Recipients of schedules that were looked at", ["result"], registry=r
        )
        self.hook_calls = Counter("whimbrel_hook_calls", "Calls of hooks", ["preset", "verdict"], registry=r)
        self.provider_calls = Counter(
            "whimbrel_provider_calls", "Calls of carriers over HTTP", ["carrier", "kind", "result"], registry=r
        )
        self.mailbox_mails = Counter(
            "whimbrel_mailbox_mails", "Mails for phones by what became of them", ["verdict"], registry=r
        )
        self.mailbox_sent = Counter(
            "whimbrel_mailbox_sent", "Tries to send answers and reports by mail", ["kind", "result"], registry=r
        )
        self.keyword_answers = Counter("whimbrel_keyword_answers", "Keywords of accounts said", ["result"], registry=r)
        self.pool_choices = Counter("whimbrel_pool_choices", "Senders chosen by pools, by why", ["reason"], registry=r)
        self.pool_numbers_sick = Gauge(
            "whimbrel_pool_numbers_sick", "Numbers of pools that carriers block too often", registry=r
        )
        self.pool_work = Gauge(
            "whimbrel_pool_work_seconds", "Work that waits for the busiest number of a pool", registry=r
        )
        self.planned_again = Counter(
            "whimbrel_planned_again", "Lists of messages planned again for a change of the configuration", registry=r
        )
        self.log_held_back = Gauge(
            "whimbrel_log_held_back_seconds", "How long a transaction has kept the log from its readers", registry=r
        )

    def tally(self, counter: Counter) -> Tally:
        """A tally for a counter whose labels are chosen."""
        tally = Tally(counter)
        self._tallies.every.append(tally)
        return tally

    def render(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)
