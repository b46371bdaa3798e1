#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "models/zoo.h"
#include "peft/account.h"
#include "peft/methods.h"
#include "tools/cli/args.h"
#include "tools/cli/commands/commands.h"
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
  std::string arch, method = "grft";
  std::map<std::string, std::string> method_options;
  Index classes = 0, threads = 0;
  bool json = false;
  Args args("count", "How many numbers a method trains, without weights or data.");
  args.text("--arch", arch, "NAME", "architecture, by timm's name");
  args.integer("--classes", classes, 1, "of the head");
  args.integer("--threads", threads, 1, "makes no difference here", kMostThreads);
  args.flag("--json", json, "print the result as one JSON object");
  args.group("Method");
  args.text("--method", method, "NAME", "see `espalier methods`");
  args.method_options(method_options);
  if (!args.parse(arguments)) return;
  if (arch.empty() || classes == 0) throw training::UsageError("count: --arch and --classes are needed");

  models::VitConfig config = training::as_usage([&] { return models::architecture(arch); });
  config.classes = classes;
  models::Vit model(config);
  const auto chosen = training::as_usage([&] { return peft::make_method(method, method_options); });
  training::as_usage([&] { chosen->check_model(model); });
  if (chosen->traits().count_depends_on_data)
    throw training::UsageError("count: what " + method + " trains depends on the images; `select` tells it");
  chosen->prepare(model, {});
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
