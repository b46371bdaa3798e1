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

/// A number of a line; not a number when there is none.
double number(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : std::nan("");
}

class Curves {
 public:
  /// False when the line is not one of a run.
  bool take(const Json& line) {
    if (!line.is_object() || !line.contains("kind")) return false;
    if (line["kind"] == "score") return add(scores_, {number(line, "batch"), number(line, "loss")});
    if (line["kind"] == "choice")
      return add(choices_,
                 {number(line, "batch") + 1, 100 * number(line, "overlap"), 100 * number(line, "held")});
    if (line["kind"] == "step") {
      const double step = number(line, "step");
      if (step >= done_) done_ = step + 1;
      return add(steps_, {step, number(line, "loss"), number(line, "penalty"), number(line, "lr")});
    }
    if (line["kind"] != "eval" || !line.contains("split")) return false;
    // The test after the last step does not tell the step.
    const double step = line.contains("step") ? number(line, "step") : done_;
    Thinned& curve = line["split"] == "test" ? test_ : val_;
    return add(curve, {step, number(line, "loss"), number(line, "top1")});
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
