import ConvNetServing
import Testing

@Suite("Metrics") struct ServiceMetricsTests {
  @Test("counters, gauges and histograms have the form that Prometheus reads")
  func text() {
    let metrics = ServiceMetrics()
    metrics.declareCounter("b_total", "Bs.")
    metrics.declareGauge("a", "As.")
    metrics.declareHistogram("c_seconds", "Cs.", bounds: [0.5, 2])
    metrics.count("b_total", [("kind", "x\"y\\z\n"), ("place", "1")])
    metrics.count("b_total", [("kind", "x\"y\\z\n"), ("place", "1")], by: 2)
    metrics.set("a", to: 7)
    metrics.set("a", to: 1.5)
    for value in [0.5, 0.75, 3] { metrics.observe("c_seconds", [("route", "r")], value) }
    metrics.count("unknown")
    #expect(
      metrics.text() == #"""
        # HELP a As.
        # TYPE a gauge
        a 1.5
        # HELP b_total Bs.
        # TYPE b_total counter
        b_total{kind="x\"y\\z\n",place="1"} 3
        # HELP c_seconds Cs.
        # TYPE c_seconds histogram
        c_seconds_bucket{route="r",le="0.5"} 1
        c_seconds_bucket{route="r",le="2"} 2
        c_seconds_bucket{route="r",le="+Inf"} 3
        c_seconds_sum{route="r"} 4.25
        c_seconds_count{route="r"} 3

        """#)
  }
}
