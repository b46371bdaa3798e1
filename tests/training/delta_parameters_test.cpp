#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peft/methods.h"
#include "tests/training/small_run.h"
#include "tools/training/tuned_model.h"

namespace training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// The delta of a method, of which tensors are taken away and to which others are added.
class DeltaOf : public ::testing::TestWithParam<std::string> {
 protected:
  DeltaOf() {
    TrainConfig config = small_.config();
    config.method = GetParam();
    if (GetParam() == "spt") config.method_options["rate"] = "0.3";  // LoRA for some matrices
    auto run = open_run(config, {"train"});
    score_and_select(run, config);
    write_delta(small_ / "whole", run, config);
    for (const auto& [name, part] : run.method->moved(run.loaded.model)) moved_.push_back(name);
    const engine::Safetensors whole(small_ / "whole");
    metadata_ = whole.metadata();
    for (const std::string& name : whole.names()) tensors_.emplace_back(name, whole.read(name));
    auto base = load_model(config.model);
    for (const auto& p : engine::parameters(base.model)) own_.insert(p.name);
  }

  std::string error_of(const engine::NamedTensors& tensors, const engine::Metadata& metadata) const {
    engine::write_safetensors(small_ / "changed", tensors, metadata);
    try {
      load_tuned_model(small_.config().model, small_ / "changed", false);
      return "";
    } catch (const engine::Error& e) {
      return e.what();
    }
  }

  engine::Metadata unlisted() const {
    engine::Metadata metadata = metadata_;
    metadata.erase("parameters");
    return metadata;
  }

  /// Whether the method adds it.
  bool is_added(const std::string& name) const { return !own_.contains(parameter_of(name)); }

  /// The parameter that a tensor of the delta belongs to.
  std::string parameter_of(const std::string& name) const {
    for (const std::string& parameter : moved_)
      if (name == parameter || name.starts_with(parameter + '.')) return parameter;
    return name;
  }

  SmallRun small_;
  std::vector<std::string> moved_;
  std::set<std::string> own_;
  engine::NamedTensors tensors_;
  engine::Metadata metadata_;
};

TEST_P(DeltaOf, a_method_is_taken_whole) {
  EXPECT_EQ(error_of(tensors_, metadata_), "");
  EXPECT_EQ(error_of(tensors_, unlisted()), "") << "of an earlier version";
}

TEST_P(DeltaOf, a_method_that_lost_a_tensor_is_refused_by_its_name) {
  for (const auto& tensor : tensors_) {
    const std::string& lost = tensor.first;
    SCOPED_TRACE(lost);
    engine::NamedTensors rest = tensors_;
    std::erase_if(rest, [&](const auto& t) { return t.first == lost; });
    EXPECT_THAT(error_of(rest, metadata_), AllOf(HasSubstr("changed"), HasSubstr(parameter_of(lost))));
    if (is_added(lost) || parameter_of(lost) != lost) {  // a whole parameter of the base is not missed there
      EXPECT_THAT(error_of(rest, unlisted()), HasSubstr(parameter_of(lost))) << "of an earlier version";
    }
  }
}

TEST_P(DeltaOf, a_method_that_lost_a_parameter_or_all_of_an_adapter_is_refused_by_its_name) {
  for (const std::string& lost : moved_) {
    for (const std::string& all : {lost, lost.substr(0, lost.rfind('.'))}) {
      SCOPED_TRACE(all);
      engine::NamedTensors rest = tensors_;
      std::erase_if(rest, [&](const auto& t) { return t.first == all || t.first.starts_with(all + '.'); });
      EXPECT_THAT(error_of(rest, metadata_), HasSubstr(all));
    }
  }
}

TEST_P(DeltaOf, a_method_with_a_foreign_tensor_is_refused_by_its_name) {
  const std::set<std::string> moved(moved_.begin(), moved_.end());
  std::vector<std::string> foreign{"blocks.0.attn.qkv.lora.c", "blocks.1.mlp.fc2.lora.a",
                                   "blocks.vpt.prompts", "blocks.0.norm1.ssf.scale", "nobody"};
  std::ranges::copy(own_, std::back_inserter(foreign));
  auto base = load_model(small_.config().model);
  std::map<std::string, engine::Tensor> values;
  for (const auto& [name, tensor] : engine::state(base.model)) values.emplace(name, tensor);
  for (const std::string& name : foreign) {
    if (moved.contains(name)) continue;
    SCOPED_TRACE(name);
    engine::NamedTensors more = tensors_;
    more.emplace_back(name, values.contains(name) ? values.at(name) : engine::Tensor::zeros({8, 12}));
    EXPECT_THAT(error_of(more, metadata_), AllOf(HasSubstr("changed"), HasSubstr(name)));
  }
}

INSTANTIATE_TEST_SUITE_P(, DeltaOf, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const peft::MethodInfo& method : peft::methods())
                             names.push_back(method.name);
                           return names;
                         }()),
                         [](const auto& method) {
                           std::string name = method.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(DeltaOfSpt, holds_adapters_where_the_images_called_for_them) {
  const SmallRun small;
  TrainConfig config = small.config();
  config.method = "spt", config.method_options["rate"] = "0.3";
  auto run = open_run(config, {"train"});
  score_and_select(run, config);
  Index adapters = 0, parts = 0;
  for (const auto& [name, part] : run.method->moved(run.loaded.model)) {
    adapters += name.ends_with(".lora.a");
    parts += !part.whole();
  }
  EXPECT_GT(adapters, 0);
  EXPECT_GT(parts, 0) << "others have single elements";
}

}  // namespace
}  // namespace training
