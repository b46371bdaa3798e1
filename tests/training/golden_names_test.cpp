// Names: a checkpoint's tensors come back under them, and what is merged has all of them.

#include <gmock/gmock.h>

#include <cstring>
#include <map>
#include <sstream>

#include "engine/autograd/record.h"
#include "engine/io/file.h"
#include "engine/nn/roles.h"
#include "engine/ops/arithmetic.h"
#include "engine/tensor/random.h"
#include "models/names.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/training/golden_backbones.h"
#include "tools/training/pretrained/merged_file.h"

namespace training {
namespace {

TEST_P(Computed, comes_back_under_the_names_of_the_file) {
  if (is_npz()) GTEST_SKIP() << "a .npz is never written";
  const engine::NamedTensors timm =
      models::read_names(checkpoint, true, models::facts_of(loaded->model.config())).tensors;
  const engine::NamedTensors back = models::to_names_of(timm, checkpoint);
  ASSERT_EQ(back.size(), checkpoint.size());
  for (std::size_t i = 0; i < checkpoint.size(); ++i) {
    EXPECT_EQ(back[i].first, checkpoint[i].first);
    EXPECT_TRUE(support::same_bits(back[i].second, checkpoint[i].second)) << checkpoint[i].first;
  }
}

TEST_P(Computed, reads_every_tensor_that_is_written_back) {
  // Zeros in the place of all that the model has: only what no classifier reads may be left as it was.
  if (is_npz()) GTEST_SKIP() << "a .npz is never written";
  engine::NamedTensors zeros;
  for (const auto& [name, tensor] : engine::state(loaded->model))
    if (loaded->has_head || !engine::in_head(name))
      zeros.emplace_back(name, Tensor::zeros(tensor.shape(), tensor.dtype()));
  const engine::NamedTensors back = models::to_names_of(zeros, checkpoint);
  const auto left_out =
      models::read_names(checkpoint, true, models::facts_of(loaded->model.config())).left_out;
  for (const auto& entry : back) {
    const auto has = [&](const std::string& part) { return entry.first.find(part) != entry.first.npos; };
    const bool unread = has("pooler.dense.") || std::ranges::any_of(left_out, has);
    EXPECT_TRUE(unread || largest(entry.second) == 0) << entry.first;
  }
  EXPECT_EQ(back.size(), checkpoint.size());
}

/// Shapes and types of a checkpoint's tensors, as names.tsv of its dialect lists them; those it does not list
/// (timm's, and the whole numbers of old files) as the file has them.
std::map<std::string, std::pair<engine::Shape, std::string>> listed(const std::string& name,
                                                                    const engine::NamedTensors& checkpoint) {
  const std::filesystem::path list = case_folder(name).parent_path() / "names.tsv";
  const bool is_list = std::filesystem::exists(list);
  std::map<std::string, std::pair<engine::Shape, std::string>> all;
  for (const auto& [tensor_name, tensor] : checkpoint) {
    const bool whole_numbers = tensor.dtype() == engine::Dtype::i64;
    if (!is_list || whole_numbers) all[tensor_name] = {tensor.shape(), whole_numbers ? "int64" : "float32"};
  }
  if (!is_list) return all;
  std::istringstream lines(engine::read_file(list, 1 << 24));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    std::string of, tensor_name, sizes, dtype;
    for (std::string* cell : {&of, &tensor_name, &sizes, &dtype}) std::getline(cells, *cell, '\t');
    if (of != name && "hf/" + of != name) continue;
    std::vector<Index> dims;
    std::istringstream axes(sizes);
    for (std::string axis; std::getline(axes, axis, 'x');) dims.push_back(std::stoll(axis));
    all[tensor_name] = {engine::Shape(dims), dtype};
  }
  return all;
}

/// Of a head that classifies images. SigLIP has others of that name: its pooling, and in the tower of texts.
bool in_classifier(const std::string& name) {
  for (const std::string end : {".weight", ".bias"}) {
    if (!name.ends_with(end) || name.starts_with("text_model.")) continue;
    const std::string module = name.substr(0, name.size() - end.size());
    const std::string last = module.substr(module.rfind('.') + 1);
    return last == "head" || last == "head_dist" || last.ends_with("classifier");
  }
  return false;
}

TEST_P(Computed, merged_with_another_head_has_the_names_of_its_list_and_stands_alone) {
  constexpr Index kClasses = 3;
  new_head(*loaded, kClasses, "trunc-normal", 1);
  loaded->classes = {"a", "b", "c"};
  engine::Random random(1, engine::Random::Use::test);
  for (const auto& p : engine::parameters(loaded->model)) {
    // One table of relative positions for all blocks can hold what is equal in them.
    if (p.name.ends_with("relative_position_bias_table")) continue;
    Tensor value = p.parameter.value();
    std::memcpy(value.raw(), engine::add(value, engine::normal(value.shape(), random, 0.01)).raw(),
                value.bytes());
  }
  const engine::TemporaryFolder alone;
  const std::string file = alone / "merged.safetensors";
  write_merged(file, *loaded, engine::state(loaded->model), model_of(GetParam()));

  const Safetensors merged(file);
  const auto expected = is_npz() ? listed("", engine::state(loaded->model)) : listed(GetParam(), checkpoint);
  ASSERT_GT(expected.size(), 10u);
  for (const auto& [name, tensor] : expected) {
    std::vector<Index> dims = tensor.first.dims();
    if (in_classifier(name)) dims[0] = kClasses;
    ASSERT_TRUE(merged.contains(name)) << name;
    EXPECT_EQ(merged.entry(name).shape(), engine::Shape(dims)) << name;
    EXPECT_EQ(merged.entry(name).dtype, tensor.second == "int64" ? "I64" : "F32") << name;
  }
  // A head of its own has the tower of a library that has none.
  std::vector<std::string> added;
  for (const std::string& name : merged.names())
    if (!expected.contains(name)) added.push_back(name);
  const bool had_head = std::ranges::any_of(expected, [](const auto& t) { return in_classifier(t.first); });
  EXPECT_EQ(added.size(), had_head ? 0u : 2u);
  for (const std::string& name : added) EXPECT_TRUE(in_classifier(name)) << name;

  ModelSource source;
  source.model = file;
  source.threads = 1;
  LoadedModel again = load_model(source);
  EXPECT_EQ(again.classes, loaded->classes);
  EXPECT_EQ(again.preprocessing, loaded->preprocessing);
  const engine::NoGrad evaluation;
  const Tensor images = golden->read(images_name());
  EXPECT_TRUE(support::same_bits(again.model(images), loaded->model(images)));
}

}  // namespace
}  // namespace training
