#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/text.h"
#include "engine/io/json.h"
#include "engine/nn/state.h"
#include "engine/tensor/half.h"
#include "peft/methods.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/support/paths.h"
#include "tools/exports/formats.h"
#include "tools/exports/hugging_face.h"
#include "tools/exports/parts_compared.h"
#include "tools/exports/stored_values.h"
#include "tools/exports/timm.h"
#include "tools/training/json_text.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/tuned_model.h"

namespace exports {
namespace {

using data::Preprocessing;
using engine::Dtype;
using engine::Error;
using engine::Index;
using engine::Json;
using engine::message_of;
using engine::NamedTensors;
using engine::Safetensors;
using engine::Tensor;
using models::VitConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

const std::vector<std::string> kNames{"b c", "a", "C"};

VitConfig small() {
  VitConfig c;
  c.image_height = c.image_width = 16, c.patch = 8;
  c.width = 24, c.depth = 2, c.heads = 3, c.hidden = 48, c.classes = 3;
  return c;
}

Preprocessing squash_to_16() {
  Preprocessing how;
  how.size = 16, how.mode = Preprocessing::Mode::squash, how.filter = data::Filter::bilinear;
  how.mean = {0.4f, 0.45f, 0.5f}, how.std = {0.25f, 0.3f, 0.2f};
  return how;
}

NamedTensors state_of(const VitConfig& config, std::uint64_t seed = 1) {
  models::Vit model(config);
  models::initialize(model, seed);
  NamedTensors state;
  for (const auto& [name, tensor] : engine::state(model)) state.emplace_back(name, tensor.clone());
  return state;
}

engine::Metadata metadata_of(const VitConfig& config, const Preprocessing& how) {
  engine::Metadata metadata = training::model_metadata(config);
  metadata.insert({{"arch", "vit"},
                   {"license", "apache-2.0"},
                   {"classes", training::json_text(kNames)},
                   {"preprocessing", training::preprocessing_json(how)}});
  return metadata;
}

/// Whether every value of two models is the same to the bit.
void expect_same_state(training::LoadedModel& a, training::LoadedModel& b) {
  const NamedTensors left = engine::state(a.model), right = engine::state(b.model);
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].first, right[i].first);
    ASSERT_EQ(left[i].second.bytes(), right[i].second.bytes()) << left[i].first;
    EXPECT_EQ(std::memcmp(left[i].second.raw(), right[i].second.raw(), left[i].second.bytes()), 0)
        << left[i].first;
  }
}

class Folders : public ::testing::Test {
 protected:
  fs::path stored(const VitConfig& config, const Preprocessing& how = squash_to_16()) {
    const fs::path path = folder / "base.safetensors";
    engine::write_safetensors(path, state_of(config), metadata_of(config, how));
    return path;
  }
  static training::LoadedModel load(const fs::path& path) {
    training::ModelSource source;
    source.model = path;
    return training::load_model(source);
  }
  std::vector<fs::path> write(const std::string& format, training::LoadedModel& model, const fs::path& base,
                              const ExportOptions& how = {}, const std::string& delta = {}) {
    const Exported exported{
        .model = model, .license = "apache-2.0", .base = base, .delta = delta, .command = "espalier export"};
    return find_format(format).write(out, exported, how);
  }
  /// What is exported is read again: the same values, classes and preprocessing.
  void expect_round_trip(const std::string& format, const VitConfig& config,
                         Preprocessing how = squash_to_16()) {
    how.size = {config.image_height, config.image_width};
    const fs::path base = stored(config, how);
    training::LoadedModel model = load(base);
    write(format, model, base);
    std::vector<std::string> notes;
    training::ModelSource source;
    source.model = out;
    training::LoadedModel again = training::load_model(source, {.on_note = [&](const std::string& note) {
                                                         if (note.starts_with("note:")) notes.push_back(note);
                                                       }});
    EXPECT_THAT(notes, ElementsAre());
    expect_same_state(model, again);
    EXPECT_EQ(again.classes, kNames);
    EXPECT_EQ(difference_of_preprocessing(again.preprocessing, how), "");
    VitConfig read = again.model.config();
    read.resampling = model.model.config().resampling;
    EXPECT_EQ(read, model.model.config());
  }

  engine::TemporaryFolder folder;
  fs::path out = folder / "out";
};

/// Parts of models that some architecture of timm's, or its VisionTransformer by arguments, has.
struct Case {
  const char* name;
  void (*change)(VitConfig&);
  const char* architecture;
};
void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

class TimmFolder : public Folders, public ::testing::WithParamInterface<Case> {};

TEST_P(TimmFolder, is_read_again_as_it_was) {
  VitConfig config = small();
  GetParam().change(config);
  expect_round_trip("timm", config);
  const Json json = engine::read_json(out / "config.json");
  EXPECT_EQ(json["architecture"].get<std::string>(), GetParam().architecture);
  EXPECT_FALSE(json["model_args"].contains("num_classes"));  // which transformers passes a second time
}

using models::Pooling, models::Positions, models::QkvForm, models::MlpForm;
using Rope = models::RopeConfig::Kind;

INSTANTIATE_TEST_SUITE_P(
    , TimmFolder,
    ::testing::Values(
        Case{"plain", [](VitConfig&) {}, "vit_base_patch8_224"},
        Case{"own_ratio", [](VitConfig& c) { c.hidden = 71; }, "vit_base_patch8_224"},
        Case{"wide_images", [](VitConfig& c) { c.image_width = 32; }, "vit_base_patch8_224"},
        Case{"average_and_registers",
             [](VitConfig& c) {
               c.pooling = Pooling::average, c.fc_norm = true, c.final_norm = false, c.registers = 3;
               c.positions = Positions::patches, c.activation = engine::Activation::silu;
             },
             "vit_base_patch16_224"},
        Case{"distilled", [](VitConfig& c) { c.distillation_token = c.distillation_head = true; },
             "deit_tiny_distilled_patch16_224"},
        Case{"beit",
             [](VitConfig& c) {
               c.positions = Positions::none, c.qkv = QkvForm::joint_with_query_value_bias;
               c.relative_bias = c.layer_scale = c.fc_norm = true, c.final_norm = false;
               c.pooling = Pooling::average;
             },
             "beit_base_patch16_224"},
        Case{"clip", [](VitConfig& c) { c.norm_pre = true, c.patch_bias = false, c.norm_eps = 1e-5; },
             "vit_base_patch16_clip_224"}),
    [](const auto& one) { return one.param.name; });

TEST_F(Folders, of_timm_cut_as_timm_does) {
  Preprocessing how = squash_to_16();
  for (const auto mode : {Preprocessing::Mode::crop, Preprocessing::Mode::squash_crop}) {
    how.mode = mode, how.crop_pct = 0.875;
    expect_round_trip("timm", small(), how);
  }
  how.crop_start = Preprocessing::CropStart::floor;
  how.mode = Preprocessing::Mode::crop;
  const fs::path base = stored(small(), how);
  training::LoadedModel model = load(base);
  EXPECT_THAT(message_of<Error>([&] { write("timm", model, base); }),
              HasSubstr("crop_start floor not half-even"));
  model.preprocessing.mode = Preprocessing::Mode::longest;
  EXPECT_THAT(message_of<Error>([&] { write("timm", model, base); }), HasSubstr("--format onnx"));
}

TEST_F(Folders, of_hugging_face_are_read_again_as_they_were) {
  VitConfig config = small();
  config.norm_eps = 1e-12, config.activation = engine::Activation::gelu_tanh;
  config.qkv = QkvForm::joint_without_bias;
  expect_round_trip("hf", config);
  fs::remove_all(out);
  Preprocessing how = squash_to_16();
  how.mode = Preprocessing::Mode::crop, how.crop_pct = 0.5, how.crop_start = Preprocessing::CropStart::floor;
  expect_round_trip("hf", small(), how);
  how.crop_start = Preprocessing::CropStart::half_even;
  EXPECT_THAT(message_of<Error>([&] { image_processor_config(how); }),
              HasSubstr("crop_start half-even not floor"));
  const Json json = engine::read_json(out / "config.json");
  EXPECT_EQ(json["id2label"], (Json{{"0", "b c"}, {"1", "a"}, {"2", "C"}}));
  EXPECT_EQ(json["label2id"], (Json{{"b c", 0}, {"a", 1}, {"C", 2}}));
}

TEST_F(Folders, of_a_model_that_the_library_does_not_have_are_refused_with_a_way_out) {
  VitConfig config = small();
  config.norm_eps = 1e-12;
  fs::path base = stored(config);
  training::LoadedModel model = load(base);
  EXPECT_THAT(message_of<Error>([&] { write("timm", model, base); }),
              ::testing::AllOf(HasSubstr("the eps of the norms 1e-12, not 1e-06"),
                               HasSubstr("; --format hf or onnx")));
  config = small();
  config.layer_scale = true;
  base = stored(config);
  training::LoadedModel scaled = load(base);
  EXPECT_THAT(message_of<Error>([&] { write("hf", scaled, base); }), HasSubstr("; --format timm or onnx"));
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(Folders, are_made_or_replaced_and_nothing_else_is) {
  const fs::path base = stored(small());
  training::LoadedModel model = load(base);
  const auto check = [&](const char* format) { find_format(format).check_replaceable(out); };
  EXPECT_NO_THROW(check("timm"));
  fs::create_directory(out);
  EXPECT_NO_THROW(check("timm"));
  write("timm", model, base);
  const std::string before = engine::get(out / "model.safetensors");
  EXPECT_NO_THROW(check("timm"));
  EXPECT_THAT(message_of<Error>([&] { check("hf"); }), HasSubstr("no folder of --format hf"));
  write("timm", model, base);
  EXPECT_EQ(engine::get(out / "model.safetensors"), before);
  engine::put(out / "notes.txt", "mine");
  EXPECT_THAT(message_of<Error>([&] { check("timm"); }), HasSubstr("'notes.txt'"));
  fs::remove(out / "notes.txt");
  engine::put(out / "README.md", "# a model of mine\n");
  EXPECT_THAT(message_of<Error>([&] { check("timm"); }), HasSubstr("no folder of --format timm"));
  fs::remove_all(out);
  engine::put(out, "a file");
  EXPECT_THAT(message_of<Error>([&] { check("peft"); }), HasSubstr("is no folder"));
}

TEST_F(Folders, have_a_card_without_paths_of_the_machine) {
  const fs::path base = stored(small());
  training::LoadedModel model = load(base);
  model.classes[0] = "`x`\n---\nlicense: none";
  write("timm", model, base);
  const std::string card = engine::get(out / "README.md");
  EXPECT_TRUE(card.starts_with("---\ntags:\n- image-classification\n- timm\n"));
  EXPECT_THAT(card, HasSubstr("\nlicense: apache-2.0\n"));
  EXPECT_THAT(card, HasSubstr("\nlibrary_name: timm\n"));
  EXPECT_THAT(card, HasSubstr("0. `'x' --- license: none`\n"));
  EXPECT_THAT(card, Not(HasSubstr(folder.path().string())));
}

TEST_F(Folders, have_the_dtype_of_the_base_or_the_one_that_is_asked_for) {
  const fs::path base = stored(small());
  engine::write_safetensors(base, stored_as(state_of(small()), "bf16"), metadata_of(small(), squash_to_16()));
  training::LoadedModel model = load(base);
  EXPECT_EQ(dtype_to_store(model, ""), "bf16");
  EXPECT_EQ(dtype_to_store(model, "f32"), "f32");
  write("timm", model, base);
  EXPECT_EQ(Safetensors(out / "model.safetensors").entry("blocks.0.attn.qkv.weight").dtype, "BF16");
  training::LoadedModel again = load(out);
  expect_same_state(model, again);
  EXPECT_THROW(check_dtype(find_format("onnx"), "bf16"), Error);
  EXPECT_NO_THROW(check_dtype(find_format("hf"), "f16"));
}

TEST(StoredValues, are_rounded_to_the_nearest_with_ties_to_even) {
  const float tie_down = 1 + 1.0f / 256, tie_up = 1 + 3.0f / 256;  // halfway between two of bf16
  const NamedTensors rounded = stored_as({{"w", Tensor::of<float>({3}, {tie_down, tie_up, -1.5f})}}, "bf16");
  const Tensor back = rounded[0].second.to(Dtype::f32);
  EXPECT_THAT(back.data<float>(), ElementsAre(1.0f, 1 + 4.0f / 256, -1.5f));
  EXPECT_EQ(rounded[0].second.dtype(), Dtype::bf16);
}

TEST(StoredValues, beyond_f16_are_refused_by_name) {
  const auto store = [](float value) { stored_as({{"blocks.0.w", Tensor::of<float>({1}, {value})}}, "f16"); };
  EXPECT_NO_THROW(store(65519));
  EXPECT_THAT(message_of<Error>([&] { store(65520); }),
              ::testing::AllOf(HasSubstr("blocks.0.w has the value 65520"), HasSubstr("--dtype f32")));
}

// Adapters.

class PeftFolder : public Folders {
 protected:
  /// A delta of that method for the base, with random values; `also` are more tensors.
  fs::path delta_for(const fs::path& base, const std::string& method,
                     const std::map<std::string, std::string>& options, const NamedTensors& also = {}) {
    training::LoadedModel model = load(base);
    auto made = peft::make_method(method, options, 1);
    made->attach(model.model, {});
    NamedTensors tensors = also;
    for (const auto& [name, tensor] : engine::state(model.model)) {
      const bool adapter =
          name.find(".lora.") != std::string::npos || name.find(".dora.") != std::string::npos;
      if (adapter || name.starts_with("head")) tensors.emplace_back(name, tensor.clone());
    }
    const peft::OptionValues values(method, peft::find_method(method).options, options);
    engine::Metadata metadata = training::model_metadata(model.model.config());
    metadata.insert({{"arch", model.arch},
                     {"classes", training::json_text(model.classes)},
                     {"preprocessing", training::preprocessing_json(model.preprocessing)},
                     {"format", "espalier-delta"},
                     {"version", "1"},
                     {"method", method},
                     {"options", training::json_text(values.all())},
                     {"base_sha256", model.base_sha256}});
    const fs::path path = folder / "delta.safetensors";
    engine::write_safetensors(path, tensors, metadata);
    return path;
  }
  void write_adapters(const fs::path& base, const fs::path& delta) {
    training::ModelSource source;
    source.model = base;
    training::LoadedModel model = training::load_tuned_model(source, delta, false);
    write("peft", model, base, {}, delta);
  }
  std::map<std::string, std::string> shapes() {
    std::map<std::string, std::string> all;
    const Safetensors file(out / "adapter_model.safetensors");
    for (const auto& entry : file.entries()) all[entry.name] = engine::say(entry.shape());
    return all;
  }
};

TEST_F(PeftFolder, of_timm_has_the_names_of_the_delta) {
  const fs::path base = stored(small());
  write_adapters(
      base, delta_for(base, "lora",
                      {{"rank", "2"}, {"alpha", "3"}, {"rslora", "on"}, {"targets", "blocks.*.attn.*"}}));
  const Json config = engine::read_json(out / "adapter_config.json");
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["r"], 2);
  EXPECT_EQ(config["lora_alpha"], 3);
  EXPECT_EQ(config["use_rslora"], true);
  EXPECT_EQ(config["use_dora"], false);
  EXPECT_EQ(config["target_modules"], (Json{"attn.proj", "attn.qkv"}));
  EXPECT_EQ(config["modules_to_save"], (Json{"head"}));
  EXPECT_TRUE(config["task_type"].is_null());
  const auto all = shapes();
  EXPECT_EQ(all.at("base_model.model.blocks.1.attn.qkv.lora_A.weight"), "[2, 24]");
  EXPECT_EQ(all.at("base_model.model.blocks.1.attn.qkv.lora_B.weight"), "[72, 2]");
  EXPECT_EQ(all.at("base_model.model.head.bias"), "[3]");
  EXPECT_EQ(all.size(), 2 * 2 * 2 + 2);
}

TEST_F(PeftFolder, names_blocks_where_not_all_have_adapters) {
  const fs::path base = stored(small());
  write_adapters(base, delta_for(base, "dora", {{"targets", "blocks.1.mlp.fc1"}}));
  EXPECT_EQ(engine::read_json(out / "adapter_config.json")["target_modules"], (Json{"blocks.1.mlp.fc1"}));
  EXPECT_EQ(shapes().at("base_model.model.blocks.1.mlp.fc1.lora_magnitude_vector"), "[48]");
}

TEST_F(PeftFolder, refuses_what_peft_cannot_hold) {
  const fs::path base = stored(small());
  const auto why = [&](const fs::path& delta) {
    return message_of<Error>([&] { write_adapters(base, delta); });
  };
  EXPECT_THAT(why(delta_for(base, "full", {})), HasSubstr("is of method full, and only those of lora"));
  const Tensor norm = Tensor::zeros({24});
  EXPECT_THAT(why(delta_for(base, "lora", {}, {{"norm.weight", norm}})),
              HasSubstr("norm.weight was trained as well"));
  training::LoadedModel model = load(base);
  EXPECT_THAT(message_of<Error>([&] { write("peft", model, base); }),
              HasSubstr("no adapters without a delta"));
  VitConfig beit = small();
  beit.qkv = QkvForm::joint_with_query_value_bias;
  const fs::path other = stored(beit);
  EXPECT_THAT(why(delta_for(other, "lora", {})), HasSubstr("without calling the layer"));
  EXPECT_FALSE(fs::exists(out));
}

// Beside what the libraries themselves have written.

class GoldenExports : public PeftFolder {
 protected:
  void SetUp() override {
    if (!fs::exists(golden)) GTEST_SKIP() << "needs " << golden;
  }
  static std::map<std::string, std::pair<std::string, std::string>> tensors(const fs::path& file) {
    std::map<std::string, std::pair<std::string, std::string>> all;
    const Safetensors safetensors(file);
    for (const auto& entry : safetensors.entries())
      all[entry.name] = {std::string(entry.dtype), engine::say(entry.shape())};
    return all;
  }

  fs::path golden = support::shared_dir() / "golden/exports";
};

/// `ours` has the same value in each of these fields.
void expect_fields(const Json& ours, const Json& theirs, std::initializer_list<const char*> names) {
  for (const char* name : names) EXPECT_EQ(ours.at(name), theirs.at(name)) << name;
}

TEST_F(GoldenExports, timm_has_the_same_fields_names_and_shapes) {
  const fs::path base = golden / "timm/both";
  training::LoadedModel model = load(base);
  write("timm", model, base);
  const Json ours = engine::read_json(out / "config.json"), theirs = engine::read_json(base / "config.json");
  expect_fields(ours, theirs,
                {"architecture", "num_classes", "num_features", "global_pool", "label_names", "model_args"});
  expect_fields(ours["pretrained_cfg"], theirs["pretrained_cfg"],
                {"custom_load", "input_size", "fixed_input_size", "interpolation", "crop_pct", "crop_mode",
                 "mean", "std", "num_classes", "pool_size", "first_conv", "classifier", "license"});
  for (const auto& [name, value] : ours.items()) EXPECT_TRUE(theirs.contains(name)) << name;
  for (const auto& [name, value] : ours["pretrained_cfg"].items())
    EXPECT_TRUE(theirs["pretrained_cfg"].contains(name)) << name;
  EXPECT_EQ(tensors(out / "model.safetensors"), tensors(base / "model.safetensors"));
  EXPECT_THAT(folder.names(), UnorderedElementsAre("out"));
}

TEST_F(GoldenExports, hugging_face_has_the_same_fields_names_and_shapes) {
  const fs::path base = golden / "hf";
  training::LoadedModel model = load(base);
  write("hf", model, base);
  const Json ours = engine::read_json(out / "config.json"), theirs = engine::read_json(base / "config.json");
  expect_fields(ours, theirs,
                {"architectures", "dtype", "model_type", "hidden_size", "num_hidden_layers",
                 "num_attention_heads", "intermediate_size", "image_size", "patch_size", "layer_norm_eps",
                 "hidden_act", "id2label", "qkv_bias"});
  for (const auto& [name, place] : theirs["label2id"].items()) EXPECT_EQ(ours["label2id"][name], place);
  const Json processor = engine::read_json(out / "preprocessor_config.json");
  const Json their_processor = engine::read_json(base / "preprocessor_config.json");
  for (const auto& [name, value] : their_processor.items()) EXPECT_EQ(processor.at(name), value) << name;
  EXPECT_EQ(tensors(out / "model.safetensors"), tensors(base / "model.safetensors"));
}

TEST_F(GoldenExports, peft_has_the_same_fields_names_and_shapes) {
  const fs::path base = golden / "timm/both";
  for (const auto& [name, method, rslora] : {std::tuple{"timm_lora", "lora", "off"},
                                             {"timm_dora", "dora", "off"},
                                             {"timm_rslora", "lora", "on"}}) {
    const Json theirs = engine::read_json(golden / "peft" / name / "adapter_config.json");
    std::vector<std::string> targets = theirs["target_modules"];
    std::ranges::sort(targets);
    std::vector<std::string> globs;
    for (const std::string& target : targets) globs.push_back("blocks.*." + target);
    write_adapters(base, delta_for(base, method,
                                   {{"rank", theirs["r"].dump()},
                                    {"alpha", theirs["lora_alpha"].dump()},
                                    {"rslora", rslora},
                                    {"targets", engine::join(globs, ",")}}));
    const Json ours = engine::read_json(out / "adapter_config.json");
    expect_fields(ours, theirs,
                  {"peft_type", "task_type", "r", "use_dora", "use_rslora", "bias", "fan_in_fan_out",
                   "lora_dropout", "modules_to_save", "rank_pattern", "alpha_pattern", "inference_mode"});
    EXPECT_EQ(ours["lora_alpha"].get<double>(), theirs["lora_alpha"].get<double>());
    for (const auto& [field, value] : ours.items()) EXPECT_TRUE(theirs.contains(field)) << field;
    EXPECT_EQ(ours["target_modules"], Json(targets));
    EXPECT_EQ(tensors(out / "adapter_model.safetensors"),
              tensors(golden / "peft" / name / "adapter_model.safetensors"));
    fs::remove_all(out);
  }
}

TEST_F(GoldenExports, peft_of_hugging_face_has_names_of_transformers_5) {
  const fs::path base = golden / "hf";
  write_adapters(base, delta_for(base, "lora", {{"rank", "4"}}));
  const Json config = engine::read_json(out / "adapter_config.json");
  EXPECT_EQ(config["target_modules"], (Json{"attention.k_proj", "attention.q_proj", "attention.v_proj"}));
  EXPECT_EQ(config["modules_to_save"], (Json{"classifier"}));
  for (const auto& [name, tensor] : tensors(golden / "peft/hf_lora/adapter_model.safetensors"))
    EXPECT_EQ(tensors(out / "adapter_model.safetensors").at(name), tensor) << name;
}

}  // namespace
}  // namespace exports
