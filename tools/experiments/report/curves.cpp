#include "tools/experiments/report/curves.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "engine/io/json.h"
#include "engine/io/lines.h"
#include "tools/experiments/report/thinned.h"

namespace experiments {

using engine::Json;

namespace {

/// The value of a field of a line; NaN when there is none.
double value(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : std::nan("");
}

class Curves {
 public:
  /// Adds a line of the log; false when it is no line of a run.
  bool take(const Json& line) {
    if (!line.is_object() || !line.contains("kind")) return false;
    if (line["kind"] == "score") return add(scores_, {value(line, "batch"), value(line, "loss")});
    if (line["kind"] == "scores") return true;  // of another run, whose log has their losses
    if (line["kind"] == "choice")
      return add(choices_,
                 {value(line, "batch") + 1, 100 * value(line, "overlap"), 100 * value(line, "held")});
    if (line["kind"] == "step") {
      const double step = value(line, "step");
      if (step >= done_) done_ = step + 1;
      return add(steps_, {step, value(line, "loss"), value(line, "penalty"), value(line, "lr")});
    }
    if (line["kind"] != "eval" || !line.contains("split")) return false;
    // The line of the test after the last step has no step.
    const double step = line.contains("step") ? value(line, "step") : done_;
    Thinned& curve = line["split"] == "test" ? test_ : val_;
    return add(curve, {step, value(line, "loss"), value(line, "top1")});
  }

  Json to_json() const {
    return {{"steps", steps_.to_json()},
            {"scores", scores_.to_json()},
            {"choices", choices_.to_json()},
            {"val", val_.to_json()},
            {"test", test_.to_json()}};
  }

 private:
  static bool add(Thinned& curve, const std::vector<double>& row) {
    curve.add(row);
    return std::isfinite(row[0]);
  }

  double done_ = 0;  ///< steps
  Thinned steps_{{"step", "loss", "penalty", "lr"}}, scores_{{"batch", "loss"}},
      choices_{{"batches", "overlap", "held"}}, val_{{"step", "loss", "top1"}},
      test_{{"step", "loss", "top1"}};
};

}  // namespace

Json read_curves(const std::filesystem::path& metrics) {
  constexpr std::size_t kLongest = 1 << 20;  // ours have a few hundred bytes
  Curves curves;
  Index left_out = 0;
  engine::for_each_line(metrics, kLongest, [&](std::string_view text) {
    try {
      left_out += curves.take(engine::parse_json(text, "a line")) ? 0 : 1;
    } catch (const engine::Error&) {  // a crash may leave half a line
      ++left_out;
    }
  });
  Json json = curves.to_json();
  json["left_out"] = left_out;
  return json;
}

}  // namespace experiments
