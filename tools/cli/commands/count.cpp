#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "models/zoo.h"
#include "peft/account.h"
#include "tools/cli/command_line.h"
#include "tools/cli/commands/commands.h"
#include "tools/cli/console.h"
#include "tools/cli/model_options.h"
#include "tools/training/depth.h"
#include "tools/training/usage_error.h"

namespace cli {

using engine::human_count;
using nlohmann::ordered_json;

namespace {

void print(const peft::Account& a) {
  for (const peft::Account::Group& g : a.groups) {
    char line[128];
    std::snprintf(line, sizeof line, "%14s of %14s  ", human_count(g.trainable).c_str(),
                  human_count(g.total).c_str());
    std::cout << line << g.name << (g.tensors > 1 ? " x " + std::to_string(g.tensors) : "") << '\n';
  }
  std::cout << "trainable " << human_count(a.trainable) << " (head " << human_count(a.head) << ") of "
            << human_count(a.total) << ": " << engine::fixed(a.percent(), 4) << " %\n";
}

}  // namespace

void run_count(Arguments arguments) {
  std::string arch;
  training::TrainConfig what;
  Index classes = -1, threads = 0;
  bool json = false;
  CommandLine line("count", "Number of trainable parameters of a method (needs no checkpoint or data).",
                   "espalier count --arch vit_base_patch16_224 --classes 100 --method gps");
  OptionTable& table = line.table;
  table.group("Model");
  table.text("arch", arch, "NAME", "architecture, by timm's name");
  table.integer("classes", classes, 0, "classes of the head; 0: no head");
  table.group("Method");
  table.methods(what.method, what.method_options);
  training::declare_depth(table, what);
  table.group("Result");
  table.flag("json", json, "print the result as one JSON object").this_call();
  declare_ignored_threads(table, threads);
  if (!line.parse(arguments)) return;
  if (arch.empty() || classes < 0) throw training::UsageError("count: --arch and --classes are needed");

  models::VitConfig config = training::as_usage([&] { return models::architecture(arch); });
  config.classes = classes;
  models::Vit model(config);
  const auto method = training::as_usage([&] { return training::make_method(what); });
  training::check_method(*method, model, what);
  if (method->traits().count_depends_on_data)
    throw training::UsageError("count: what " + what.method +
                               " trains depends on the images; `select` prints it");
  const std::string pool = training::describe_pool(*method, model, what);
  if (!pool.empty()) note(pool);
  method->prepare(model, {});
  training::apply_depth(model, what);
  const peft::Account a = peft::account(model);
  if (!json) return print(a);
  ordered_json groups = ordered_json::object();
  for (const peft::Account::Group& g : a.groups)
    groups[g.name] = {{"tensors", g.tensors}, {"trainable", g.trainable}, {"total", g.total}};
  std::cout << ordered_json{{"trainable", a.trainable},
                            {"head", a.head},
                            {"total", a.total},
                            {"percent", a.percent()},
                            {"groups", groups}}
                   .dump(2)
            << '\n';
}

}  // namespace cli
