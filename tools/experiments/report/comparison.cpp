#include "tools/experiments/report/comparison.h"

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "tools/experiments/report/thinned.h"
#include "tools/training/json_field.h"

namespace experiments {

using engine::Json;

namespace {

/// The members of `object` with these names: whole numbers as they are, others with six digits, null for one
/// that is missing.
Json figures(const Json& object, std::initializer_list<const char*> names) {
  Json some = Json::object();
  for (const char* name : names) {
    const auto value = training::field<double>(object, name);
    some[name] = value ? Json(std::trunc(*value) == *value ? *value : six_digits(*value)) : Json();
  }
  return some;
}

/// `f` of every object of the list called `name`, which must be there.
Json each_of(const Json& object, const char* name, const std::function<Json(const Json&)>& f) {
  engine::check(object.contains(name) && object[name].is_array(), name, "should be a list");
  Json list = Json::array();
  for (const Json& item : object[name]) {
    engine::check(item.is_object(), name, "should be a list of objects");
    list.push_back(f(item));
  }
  return list;
}

/// `f` of every task's value in the object called `name`; null where the task has none.
Json by_task(const Json& object, const char* name, const Json& tasks,
             const std::function<Json(const Json&)>& f) {
  engine::check(object.contains(name) && object[name].is_object(), name, "should be an object");
  Json list = Json::array();  // in the order of the tasks: their names are anybody's
  for (const Json& task : tasks) {
    const auto found = object[name].find(task["name"].get<std::string>());
    list.push_back(found == object[name].end() || found->is_null() ? Json() : f(*found));
  }
  return list;
}

Json task_of(const Json& task) {
  Json shown{{"name", training::needed_field<std::string>(task, "name")}};
  shown.update(figures(task, {"classes", "train", "val", "test"}));
  return shown;
}

Json row_of(const Json& row, const Json& tasks) {
  Json shown{{"method", training::needed_field<std::string>(row, "method")}};
  shown["lr"] =
      by_task(row, "lr", tasks, [](const Json& lr) { return training::field_as<double>(lr, "lr"); });
  shown["accuracy"] = by_task(row, "accuracy", tasks, [](const Json& accuracy) {
    engine::check(accuracy.is_object(), "accuracy should be an object");
    return figures(accuracy, {"mean", "sd", "seeds"});
  });
  shown.update(figures(row, {"mean", "rank", "trainable", "percent", "delta_bytes", "seconds_per_epoch",
                             "peak_mb", "score_seconds"}));
  return shown;
}

Json pair_of(const Json& pair) {
  Json shown{{"a", training::needed_field<std::string>(pair, "a")},
             {"b", training::needed_field<std::string>(pair, "b")}};
  shown.update(figures(pair, {"tasks", "mean_difference", "wins", "losses", "ties", "p"}));
  return shown;
}

/// Of the search for the learning rate: [task, method, lr, top-1 on val] of every run that did not diverge;
/// of one that was stopped on the way also the epochs after which it was.
Json search_of(const Json& comparison) {
  Json search = Json::array();
  each_of(comparison, "runs", [&](const Json& run) {
    if (training::needed_field<std::string>(run, "stage") != "search") return Json();
    const auto top1 = training::field<double>(run, "val_top1");
    engine::check(top1 || run.value("diverged", Json()) == true, "there is no val_top1");
    if (!top1) return Json();  // it diverged
    search.push_back({training::needed_field<std::string>(run, "task"),
                      training::needed_field<std::string>(run, "method"),
                      training::needed_field<double>(run, "lr"), six_digits(*top1)});
    if (const auto epochs = training::field<engine::Index>(run, "stopped_after"))
      search.back().push_back(*epochs);
    return Json();
  });
  return search;
}

}  // namespace

Json report_of_comparison(const std::filesystem::path& file) {
  const Json comparison = engine::read_json(file);
  try {
    engine::check(comparison.is_object() && comparison.value("format", Json()) == "espalier-compare",
                  "is not a comparison: its format is not espalier-compare");
    engine::check(comparison.value("version", Json()) == 1, "has an unknown version");
    engine::check(comparison.contains("settings") && comparison["settings"].is_object(),
                  "settings should be an object");
    Json report{{"kind", "comparison"},
                {"name", std::filesystem::absolute(file).parent_path().filename().string()},
                {"espalier", training::field<std::string>(comparison, "espalier").value_or("")},
                {"settings", comparison["settings"]}};
    const Json tasks = report["tasks"] = each_of(comparison, "tasks", task_of);
    report["table"] = each_of(comparison, "table", [&](const Json& row) { return row_of(row, tasks); });
    report["pairs"] = each_of(comparison, "pairs", pair_of);
    report["search"] = search_of(comparison);
    return report;
  } catch (const engine::Error& e) {
    throw engine::Error(file.string() + ": " + e.what());
  }
}

}  // namespace experiments
