#pragma once

#include "tests/end_to_end/garden.h"

namespace end_to_end {

/// Two tasks to compare methods on.
class Comparison : public Garden {
 public:
  Comparison() {
    write_images(path() / "more/train", {"left", "right"}, 9);
    write_images(path() / "more/val", {"left", "right"}, 3, 20);
    write_images(path() / "more/test", {"left", "right"}, 4, 40);
  }
  std::string out(const std::string& name = "compared") const { return *this / name; }
  /// 2 methods x 2 tasks x 2 rates x 2 seeds.
  Words words(const std::string& name = "compared") const {
    return {"compare",
            "--out",
            out(name),
            "--model",
            model(),
            "--task",
            "colours=" + data(),
            "--task",
            "sides=" + (*this / "more"),
            "--methods",
            "linear;grft rows=grft,axis=row,anchor=0.1",
            "--lrs",
            "0.003,0.03",
            "--seeds",
            "2",
            "--epochs",
            "3",
            "--batch-size",
            "6",
            "--threads",
            "2"};
  }
  fs::path run_of(const std::string& run, const std::string& name = "compared") const {
    return fs::path(out(name)) / "runs" / run;
  }
};

/// compare.json without times, memory and what hangs on interruptions.
Json timeless_comparison(const fs::path& folder);

/// Waits until a file of a run has this text, or the program has ended.
void wait_for(Background& program, const fs::path& file, const std::string& text);

}  // namespace end_to_end
