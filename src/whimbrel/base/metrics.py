"""Every metric of the product in one place, on a registry of its own; docs/metrics.md lists them (a test compares).
Hot paths count lists (`inc(n)`), never single messages.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_STEP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.accepted = Counter("whimbrel_messages_accepted", "Messages accepted", ["door"], registry=r)
        self.refused = Counter("whimbrel_messages_refused", "Messages refused at accept", ["code"], registry=r)
        self.submitted = Counter(
            "whimbrel_segments_submitted", "Segments written to a carrier", ["carrier"], registry=r
        )
        self.answers = Counter("whimbrel_answers", "Carriers' answers", ["carrier", "kind"], registry=r)
        self.receipts = Counter("whimbrel_receipts", "Delivery receipts", ["carrier", "result"], registry=r)
        self.inbound = Counter("whimbrel_inbound", "Inbound texts and parts", ["result"], registry=r)
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
        self.binds = Gauge("whimbrel_binds", "Binds that are up", ["carrier"], registry=r)
        self.webhook_lag = Gauge("whimbrel_webhook_lag_events", "Events not yet handed to an endpoint", registry=r)
        self.loop_lag = Gauge("whimbrel_loop_lag_seconds", "How late the event loop runs its timers", registry=r)

    def render(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)
