#include "tools/data_source.h"

#include <filesystem>
#include <numeric>

#include "data/sources.h"
#include "data/split_file.h"
#include "tools/console.h"

namespace tools {

void DataOptions::add_to(Args& args) {
  args.group("Data");
  args.text("--data", data, "DIR", "DIR/train/<class>/*, and val and test where they exist; or IDX files");
  args.text("--train-list", train_list, "FILE", "instead: lines `path label`");
  args.text("--val-list", val_list, "FILE", "");
  args.text("--test-list", test_list, "FILE", "");
  args.text("--data-root", data_root, "DIR", "what the paths in the lists are relative to");
}

std::string DataOptions::name() const {
  const std::filesystem::path path =
      data.empty() ? std::filesystem::path(data_root) : std::filesystem::path(data);
  const std::string last =
      std::filesystem::absolute(path / "x").lexically_normal().parent_path().filename().string();
  return last.empty() ? "data" : last;
}

data::Splits open_splits(const DataOptions& options) {
  const bool lists = !options.train_list.empty();
  if (lists == !options.data.empty())
    throw UsageError("data is needed, in one form: --data DIR, or --train-list FILE with --data-root DIR");
  if (!lists && !(options.val_list + options.test_list).empty())
    throw UsageError("--val-list and --test-list need --train-list");
  if (lists && options.data_root.empty()) throw UsageError("--train-list needs --data-root DIR");
  data::Splits splits = lists ? data::open_split_files({options.train_list, options.val_list,
                                                        options.test_list, options.data_root})
                              : data::open_data(options.data);
  if (splits.ignored > 0)
    note(engine::say("note:", splits.ignored, "files passed over: not pictures by their names"));
  return splits;
}

std::shared_ptr<const data::Dataset> find_split(const data::Splits& splits, const std::string& name) {
  if (name == "train+val") {
    engine::check(splits.val != nullptr, "there is no val split to train on; use --on train");
    return data::concat(splits.train, splits.val);
  }
  const auto found = name == "train" ? splits.train : name == "val" ? splits.val : splits.test;
  engine::check(found != nullptr, "there is no", name, "split in the data");
  return found;
}

std::vector<Index> match_classes(const std::vector<std::string>& data_classes,
                                 const std::vector<std::string>& model_classes, Index outputs) {
  std::vector<Index> map(data_classes.size());
  if (model_classes.empty()) {
    engine::check(static_cast<Index>(data_classes.size()) == outputs, "the model has", outputs,
                  "classes but the data has", data_classes.size());
    std::iota(map.begin(), map.end(), Index{0});
    return map;
  }
  return data::find_classes("the data", data_classes, model_classes);
}

}  // namespace tools
