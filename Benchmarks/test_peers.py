"""Tests of the comparison's own logic: `make test-peers`. They measure nothing and need no packages."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peers import tables
from peers.cases import CASES, PEERS, SUITES, selected_cases
from peers.convnet import model_file
from peers.onnx_export import onnx_file
from peers.peer import Case, Measurement, PeerFailure, run
from peers.results import Record, Results, best_peer, geometric_mean, key_of, median_of_convnet
from peers.worker import repeat

RATE = Case("inference", "resnet50-v1.5", "inference", 16, goal=1.05)
START = Case("start", "resnet50-v1.5", "start", limit=0.35)
MACHINE = {"processor": "P", "processors": 2, "memoryGiB": 8, "system": "S"}


def record(*pairs: tuple[float, float], variant: str = "plain") -> Record:
    made = Record("1.0", "build", variant)
    for ours, theirs in pairs:
        made.add(Measurement(ours), Measurement(theirs))
    return made


class Ratios(unittest.TestCase):
    def test_a_rate_is_better_when_larger_and_a_time_when_smaller(self) -> None:
        self.assertEqual(RATE.ratio(30, 20), 1.5)
        self.assertEqual(START.ratio(0.5, 2), 4)

    def test_the_ratio_is_of_the_pairs_not_of_the_medians(self) -> None:
        # A machine that got twice as fast and back: the pairs agree, the medians do not.
        noisy = record((10, 5), (20, 10), (20, 10), (5, 2.5))
        self.assertEqual(noisy.ratio(RATE), 2)

    def test_the_best_peer_is_the_one_least_behind(self) -> None:
        peers = {"pytorch": record((10, 5)), "onnxruntime": record((10, 8))}
        self.assertEqual(best_peer(RATE, peers), "onnxruntime")
        self.assertEqual(best_peer(START, peers), "pytorch")

    def test_a_measurement_of_convnet_that_peers_share_counts_once(self) -> None:
        shared = Measurement(10)
        peers = {key: Record("1", "b", "v") for key in ("a", "b")}
        for peer in peers.values():
            peer.add(shared, Measurement(1))
        peers["a"].add(Measurement(20), Measurement(1))
        self.assertEqual(median_of_convnet(peers), 15)

    def test_geometric_mean(self) -> None:
        self.assertAlmostEqual(geometric_mean([1, 4]), 2)


class Keeping(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "results.json"

    def test_a_cut_off_run_goes_on(self) -> None:
        results = Results(self.path, MACHINE)
        results.peers(RATE)["pytorch"] = record((10, 5))
        results.save()
        again = Results(self.path, MACHINE)
        self.assertEqual(len(again.valid(RATE, "pytorch", "1.0", "build").pairs), 1)
        self.assertEqual(again.valid(RATE, "pytorch", "1.0", "build").ratio(RATE), 2)

    def test_other_versions_void_a_record(self) -> None:
        results = Results(self.path, MACHINE)
        results.peers(RATE)["pytorch"] = record((10, 5))
        self.assertIsNone(results.valid(RATE, "pytorch", "1.1", "build"))
        self.assertIsNone(results.valid(RATE, "pytorch", "1.0", "rebuilt"))
        self.assertIsNone(results.valid(RATE, "openvino", "1.0", "build"))

    def test_what_was_best_at_the_nearest_batch_is_taken_over_without_its_numbers(self) -> None:
        results = Results(self.path, MACHINE)
        for batch, variant in ((1, "one"), (16, "many")):
            case = Case("inference", RATE.model, "inference", batch)
            results.peers(case)["pytorch"] = record((10, 5), variant=variant)
        scaled = Case("scaling", RATE.model, "inference", 32, threads=1)
        taken = results.alike(scaled, "pytorch")
        self.assertEqual((taken.variant, taken.trials, taken.pairs), ("many", {}, []))
        self.assertEqual(results.alike(Case("scaling", RATE.model, "inference", 2), "pytorch").variant, "one")
        self.assertIsNone(results.alike(Case("scaling", RATE.model, "training", 16), "pytorch"))
        self.assertIsNone(results.alike(scaled, "openvino"))

    def test_another_goal_keeps_what_was_measured(self) -> None:
        results = Results(self.path, MACHINE)
        results.peers(RATE)["pytorch"] = record((10, 5))
        results.save()
        moved = Case("inference", "resnet50-v1.5", "inference", 16, goal=9)
        self.assertIn("pytorch", Results(self.path, MACHINE).peers(moved))

    def test_another_machine_is_refused(self) -> None:
        results = Results(self.path, MACHINE)
        results.save()
        with self.assertRaisesRegex(ValueError, "another machine"):
            Results(self.path, {**MACHINE, "processors": 4})

    def test_a_trial_is_kept_and_shown_nowhere(self) -> None:
        results = Results(self.path, MACHINE)
        results.peers(RATE)["openvino"] = Record("1.0", "build", "latency", {"latency": 5, "throughput": 4})
        results.peers(START)
        results.save()
        again = Results(self.path, MACHINE)
        self.assertEqual(again.valid(RATE, "openvino", "1.0", "build").variant, "latency")
        self.assertNotIn("OpenVINO", tables.markdown(again, SUITES))
        self.assertEqual(len(json.loads(self.path.read_text())["results"]), 1)


class Selecting(unittest.TestCase):
    def test_every_case_is_measured_once(self) -> None:
        self.assertEqual(len({key_of(case) for case in CASES}), len(CASES))

    def test_words_must_all_be_in_the_name(self) -> None:
        found = selected_cases(["inference"], ["resnet50 16", "vgg"])
        self.assertEqual(
            [case.name for case in found],
            ["vgg-d, inference, batch 1", "vgg-d, inference, batch 16",
             "resnet50-v1.5, inference, batch 16"])

    def test_every_case_has_a_peer(self) -> None:
        for case in selected_cases(SUITES, []):
            self.assertTrue(any(peer.variants(case) for peer in PEERS), case.name)

    def test_a_file_is_measured_beside_those_that_read_it(self) -> None:
        for case in selected_cases(["exported", "exported start"], []):
            readers = {peer.key for peer in PEERS if peer.variants(case)}
            self.assertEqual(readers, {"onnxruntime", "openvino"}, case.name)
            self.assertEqual(len({str(onnx_file(case)), str(model_file(case))}), 1)

    def test_keys_are_different(self) -> None:
        self.assertEqual(len({peer.key for peer in PEERS}), len(PEERS))


class Telling(unittest.TestCase):
    def results(self, **peers: Record) -> Results:
        results = Results(Path("/nonexistent/results.json"), MACHINE)
        case = next(case for case in CASES if key_of(case) == key_of(RATE))
        results.peers(case).update(peers)
        return results

    def test_a_row_marks_the_best_peer_and_the_goal(self) -> None:
        text = tables.markdown(
            self.results(pytorch=record((10, 5)), onnxruntime=record((10, 8), (12, 8))), SUITES)
        self.assertIn("| 10.0 |", text.replace("| 11.0 |", "| 10.0 |"))
        self.assertIn("**8.00**", text)
        self.assertIn("1.25 to 1.50", text)
        self.assertIn("1.05, met", text)
        self.assertIn("goal 1.6, MISSED", text)

    def test_a_missed_goal_is_told(self) -> None:
        slow = self.results(pytorch=record((5, 5)))
        self.assertTrue(tables.misses_a_goal(slow, ["inference"]))
        self.assertFalse(tables.misses_a_goal(slow, ["training"]))
        fast = self.results(pytorch=record((50, 5)))
        self.assertFalse(tables.misses_a_goal(fast, ["inference"]))

    def test_every_case_is_judged_by_its_best_peer(self) -> None:
        results = Results(Path("/nonexistent/results.json"), MACHINE)
        case = Case("small", "lenet5", "inference", 64)
        results.peers(case).update(pytorch=record((10, 2)), onnxruntime=record((10, 5)))
        self.assertIn("| 2.00 | 2.00 to 2.00 | 3, MISSED |", tables.markdown(results, SUITES))
        case = Case("start", "lenet5", "start")
        results.peers(case).update(pytorch=record((5, 60)), onnxruntime=record((5, 20)))
        self.assertIn("| 4.00 | 4.00 to 4.00 | 10, MISSED |", tables.markdown(results, SUITES))

    def test_the_same_case_held_to_instructions_has_a_row_of_its_own(self) -> None:
        held = [case for case in CASES if case.suite == "processors"]
        self.assertEqual(len(held), 12)
        self.assertTrue(all(case.instructions == "avx2" and case.goal == 1.05 for case in held))
        results = Results(Path("/nonexistent/results.json"), MACHINE)
        results.peers(held[0])["pytorch"] = record((10, 5))
        self.assertNotIn("| inference, images/s", tables.markdown(results, SUITES))
        self.assertIn("| processors, images/s", tables.markdown(results, SUITES))

    def test_numbers_have_three_digits(self) -> None:
        self.assertEqual(
            [tables.number(value) for value in (45_678, 123.4, 12.34, 1.234, 0.1234)],
            ["45,700", "123", "12.3", "1.23", "0.123"])


class Processes(unittest.TestCase):
    def test_the_first_line_is_timed_and_not_the_exit(self) -> None:
        program = "import time; print('now', flush=True); time.sleep(0.5); print('later')"
        done = run([sys.executable, "-c", program], 1)
        self.assertLess(done.seconds_to_first_line, 0.5)
        self.assertEqual(done.output, "now\nlater\n")

    def test_memory_is_the_largest_of_the_process(self) -> None:
        def peak(mebibytes: int) -> float:
            program = f"x = b'1' * ({mebibytes} << 20); del x; print(1)"
            return run([sys.executable, "-c", program], 1).peak_mebibytes

        self.assertAlmostEqual(peak(192) - peak(128), 64, delta=4)

    def test_a_failure_says_the_last_line_of_the_errors(self) -> None:
        with self.assertRaisesRegex(PeerFailure, "no luck"):
            run([sys.executable, "-c", "raise SystemExit('no luck')"], 1)
        with self.assertRaisesRegex(PeerFailure, "without a word"):
            run([sys.executable, "-c", "pass"], 1)

    def test_steps_repeat_for_the_seconds_and_at_least_some_times(self) -> None:
        self.assertEqual(len(repeat(lambda: None, least=3, seconds=0)), 3)
        self.assertGreaterEqual(sum(repeat(lambda: time.sleep(0.01), least=1, seconds=0.05)), 0.04)


if __name__ == "__main__":
    unittest.main()
