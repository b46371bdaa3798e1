#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/names.h"
#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using engine::Safetensors;
using ::testing::HasSubstr;

/// A tuned model and the words that load it.
struct Tuned {
  Garden garden;
  std::string delta;
  Words base_and_delta() const { return {"--model", garden.model(), "--delta", delta, "--threads", "2"}; }
  Outcome eval(const Words& model, const Words& more = {}) const {
    return run(Words{"eval"} + model + Words{"--data", garden.data(), "--batch-size", "6", "--json"} + more);
  }
  explicit Tuned(const std::string& method = "grft", const Words& more = {}) {
    garden.tune(method, more);
    delta = garden.run_folder() + "/delta.safetensors";
  }
};

/// An evaluation without the time it took.
Json without_seconds(Json evaluation) {
  evaluation.erase("seconds");
  return evaluation;
}

TEST(Eval, of_base_and_delta_is_the_evaluation_in_tunes_result) {
  for (const char* method : {"full", "bitfit", "grft", "gps", "sift"}) {
    const Tuned tuned(method, {"--ema", "0.5"});
    const Json result = read_json(tuned.garden.run_folder() + "/result.json");
    for (const char* split : {"val", "test"}) {
      const Json again = tuned.eval(tuned.base_and_delta(), {"--split", split}).json();
      EXPECT_EQ(without_seconds(again), without_seconds(result[split])) << method << ' ' << split;
    }
  }
}

TEST(Eval, writes_logits_labels_and_file_names_in_order) {
  const Tuned tuned;
  const std::string file = tuned.garden / "logits.safetensors";
  const Json json = tuned.eval(tuned.base_and_delta(), {"--logits", file}).json();
  const Safetensors logits(file);
  EXPECT_EQ(logits.entry("logits").shape(), engine::Shape({9, 3}));
  EXPECT_EQ(logits.entry("logits").dtype, "F32");
  EXPECT_EQ(logits.entry("labels").dtype, "I64");
  const engine::Tensor labels = logits.read("labels"), x = logits.read("logits");
  EXPECT_EQ(std::vector(labels.data<std::int64_t>().begin(), labels.data<std::int64_t>().end()),
            (std::vector<std::int64_t>{0, 0, 0, 1, 1, 1, 2, 2, 2}));
  const Json files = Json::parse(logits.metadata().at("files"));
  ASSERT_EQ(files.size(), 9u);
  EXPECT_EQ(files[4], tuned.garden.data() + "/test/green/41.ppm");

  double loss = 0;
  Index right = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto row = x.data<float>().subspan(i * 3, 3);
    double sum = 0;
    for (float v : row) sum += std::exp(static_cast<double>(v));
    const auto label = static_cast<std::size_t>(labels.data<std::int64_t>()[i]);
    loss += (std::log(sum) - static_cast<double>(row[label])) / 9;
    right += std::ranges::max_element(row) - row.begin() == static_cast<std::ptrdiff_t>(label);
  }
  EXPECT_NEAR(json["loss"], loss, 1e-6);
  EXPECT_NEAR(json["top1"], 100.0 * static_cast<double>(right) / 9, 1e-9);
}

TEST(Predict, agrees_with_the_logits_of_eval) {
  const Tuned tuned;
  const std::string file = tuned.garden / "logits.safetensors";
  tuned.eval(tuned.base_and_delta(), {"--logits", file});
  const Safetensors stored(file);
  const Json files = Json::parse(stored.metadata().at("files"));
  Words images;
  for (const Json& name : files) images.push_back(name);
  const Json predictions = run(Words{"predict"} + tuned.base_and_delta() + images + Words{"--json"}).json();
  const engine::Tensor logits = stored.read("logits");
  const Words classes{"blue", "green", "red"};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto row = logits.data<float>().subspan(i * 3, 3);
    double sum = 0;
    for (float v : row) sum += std::exp(static_cast<double>(v));
    for (const Json& c : predictions[i]["top"]) {
      const auto at = static_cast<std::size_t>(std::ranges::find(classes, c["class"].get<std::string>()) -
                                               classes.begin());
      EXPECT_NEAR(c["probability"], std::exp(static_cast<double>(row[at])) / sum, 1e-5);
    }
  }
}

TEST(Eval, needs_no_train_split_when_the_model_knows_its_classes) {
  const Tuned tuned;
  const Json whole = tuned.eval(tuned.base_and_delta()).json();
  fs::remove_all(tuned.garden.path() / "data/train");
  fs::remove_all(tuned.garden.path() / "data/val");
  EXPECT_EQ(without_seconds(tuned.eval(tuned.base_and_delta()).json()), without_seconds(whole));

  fs::remove_all(tuned.garden.path() / "data/test/green");
  const Json fewer = tuned.eval(tuned.base_and_delta()).json();
  EXPECT_EQ(keys(fewer["per_class"]), (Words{"blue", "red"}));
  EXPECT_EQ(fewer["per_class"]["red"], whole["per_class"]["red"]);
}

TEST(Eval, finds_the_models_class_by_its_name_in_data_with_fewer_classes) {
  const Tuned tuned;
  const Json whole = tuned.eval(tuned.base_and_delta()).json();
  for (const char* split : {"train", "val", "test"})
    fs::remove_all(tuned.garden.path() / "data" / split / "blue");
  const Json fewer = tuned.eval(tuned.base_and_delta()).json();
  EXPECT_EQ(fewer["confusion"], Json({whole["confusion"][1], whole["confusion"][2]}));
}

TEST(Merge, writes_a_checkpoint_with_the_same_logits) {
  for (const char* method : {"full", "grft", "gps", "sift", "bitfit", "linear"}) {
    const Tuned tuned(method);
    const std::string merged = tuned.garden / "merged.safetensors";
    const Outcome outcome = run(Words{"merge"} + tuned.base_and_delta() + Words{"--out", merged});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("probe batch: 0\n"));

    const std::string a = tuned.garden / "a.safetensors", b = tuned.garden / "b.safetensors";
    const Json tuned_eval = tuned.eval(tuned.base_and_delta(), {"--logits", a}).json();
    const Outcome alone = tuned.eval({"--model", merged}, {"--logits", b});
    EXPECT_EQ(without_seconds(alone.json()), without_seconds(tuned_eval)) << method;
    EXPECT_EQ(bits_of(Safetensors(a), "logits"), bits_of(Safetensors(b), "logits")) << method;
    EXPECT_FALSE(alone.noted("note:")) << "the merged file has all metadata: " << alone.err;
  }
}

TEST(Merge, folds_what_the_method_added_into_the_base) {
  for (const char* method : {"lora", "dora", "ssf", "spt"}) {
    const Tuned tuned(method);
    const std::string merged = tuned.garden / "merged.safetensors";
    const Json outcome =
        run(Words{"merge"} + tuned.base_and_delta() + Words{"--out", merged, "--json"}).json();
    EXPECT_LT(outcome["largest_difference"].get<double>(), 1e-5) << method;
    EXPECT_EQ(Safetensors(merged).names().size(), Safetensors(tuned.garden.model()).names().size()) << method;
    const Json adapted = tuned.eval(tuned.base_and_delta()).json(),
               alone = tuned.eval({"--model", merged}).json();
    EXPECT_NEAR(alone["loss"].get<double>(), adapted["loss"].get<double>(), 1e-5) << method;
    EXPECT_EQ(alone["confusion"], adapted["confusion"]) << method;
  }
}

TEST(Merge, of_what_cannot_be_folded_is_refused_and_base_and_delta_go_on_to_serve) {
  for (const char* method : {"adapter", "vpt"}) {
    const Tuned tuned(method);
    const std::string merged = tuned.garden / "merged.safetensors";
    const Outcome outcome = run(Words{"merge"} + tuned.base_and_delta() + Words{"--out", merged});
    EXPECT_THAT(outcome.error(1), HasSubstr("cannot be written into the layers"));
    EXPECT_FALSE(fs::exists(merged));
    EXPECT_EQ(tuned.eval(tuned.base_and_delta()).json()["top1"],
              Json::parse(read_text(tuned.garden.run_folder() + "/result.json"))["test"]["top1"])
        << method;
  }
}

TEST(Delta, whose_options_make_no_method_is_refused) {
  const Tuned tuned("lora");
  const Safetensors delta(tuned.delta);
  engine::NamedTensors tensors;
  for (const std::string& name : delta.names()) tensors.emplace_back(name, delta.read(name));
  for (const auto& [options, complaint] : {std::pair{R"({"rank":"0"})", "--rank takes 1 or more"},
                                           {R"({"rank":"1000000000000"})", "--rank"},
                                           {R"({"rnak":"8"})", "rnak"},
                                           {"[]", "options should be an object"},
                                           {R"({"rank":8})", "should be a text"}}) {
    engine::Metadata metadata = delta.metadata();
    metadata["options"] = options;
    const std::string damaged = tuned.garden / "damaged.safetensors";
    engine::write_safetensors(damaged, tensors, metadata);
    const Outcome outcome =
        run({"eval", "--model", tuned.garden.model(), "--delta", damaged, "--data", tuned.garden.data()});
    EXPECT_THAT(outcome.error(1), HasSubstr(complaint)) << options;
  }
}

TEST(Delta, that_lost_or_gained_a_parameter_is_refused) {
  for (const char* method : {"full", "grft", "gps", "bitfit"}) {
    const Tuned tuned(method);
    const Safetensors delta(tuned.delta);
    const std::string lost = delta.contains("norm.bias") ? "norm.bias" : "blocks.0.mlp.fc2.";
    engine::NamedTensors fewer, more;
    for (const std::string& name : delta.names()) {
      more.emplace_back(name, delta.read(name));
      if (!name.starts_with(lost)) fewer.emplace_back(more.back());
    }
    if (!delta.contains("norm.weight")) more.emplace_back("norm.weight", engine::Tensor::zeros({24}));
    const std::string changed = tuned.garden / "changed.safetensors";
    const auto eval = [&](const engine::NamedTensors& tensors, engine::Metadata metadata) {
      engine::write_safetensors(changed, tensors, metadata);
      return tuned.eval({"--model", tuned.garden.model(), "--delta", changed});
    };
    ASSERT_LT(fewer.size(), delta.names().size()) << method;
    EXPECT_THAT(eval(fewer, delta.metadata()).error(1), HasSubstr("which it lists")) << method;
    if (more.size() > delta.names().size()) {
      EXPECT_THAT(eval(more, delta.metadata()).error(1), HasSubstr("which it has")) << method;
    }
    engine::Metadata earlier = delta.metadata();
    EXPECT_EQ(earlier.erase("parameters"), 1u);
    EXPECT_EQ(eval(fewer, earlier).status, 0) << "deltas of earlier versions do not say";
  }
}

TEST(Merge, keeps_every_number_outside_the_delta) {
  // Everything that could move a frozen weight: decay, momentum, clipping, averaging.
  for (const char* optimizer : {"sgd", "adamw", "adam"}) {
    Words options{"--optimizer", optimizer, "--weight-decay", "0.1", "--clip", "0.5", "--ema", "0.9"};
    if (std::string(optimizer) == "sgd") options = options + Words{"--momentum", "0.9"};
    const Tuned tuned("gps", options);
    const std::string merged_file = tuned.garden / "merged.safetensors";
    EXPECT_EQ(run(Words{"merge"} + tuned.base_and_delta() + Words{"--out", merged_file}).status, 0);
    const Safetensors base(tuned.garden.model()), delta(tuned.delta), merged(merged_file);
    Index moved = 0, frozen = 0;
    for (const std::string& name : base.names()) {
      if (name.starts_with("head.")) continue;
      const engine::Tensor before = base.read(name), after = merged.read(name);
      std::vector<bool> trained(static_cast<std::size_t>(before.numel()), delta.contains(name));
      if (delta.contains(name + ".elements")) {
        const engine::Tensor at = delta.read(name + ".elements");
        for (std::int64_t i : at.data<std::int64_t>()) trained[static_cast<std::size_t>(i)] = true;
      }
      for (std::size_t i = 0; i < trained.size(); ++i) {
        const bool same = std::memcmp(&before.data<float>()[i], &after.data<float>()[i], 4) == 0;
        if (trained[i])
          moved += !same;
        else
          EXPECT_TRUE(same) << name << ' ' << i;
        frozen += !trained[i];
      }
    }
    EXPECT_GT(moved, 100) << optimizer;
    EXPECT_GT(frozen, 5000) << optimizer;
  }
}

TEST(Merge, gives_the_names_of_the_base_and_the_classes) {
  const Tuned tuned;
  const std::string merged_file = tuned.garden / "merged.safetensors";
  const Json json =
      run(Words{"merge"} + tuned.base_and_delta() + Words{"--out", merged_file, "--json"}).json();
  EXPECT_EQ(json["largest_difference"], 0);
  EXPECT_EQ(json["bytes"], fs::file_size(merged_file));
  const Safetensors base(tuned.garden.model()), merged(merged_file);
  std::vector<std::string> a = base.names(), b = merged.names();
  std::ranges::sort(a), std::ranges::sort(b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(Json::parse(merged.metadata().at("classes")), Json({"blue", "green", "red"}));
}

TEST(Merge, does_not_write_over_the_base) {
  const Tuned tuned;
  const std::string before = read_text(tuned.garden.model());
  EXPECT_THAT(run(Words{"merge"} + tuned.base_and_delta() + Words{"--out", tuned.garden.model()}).error(2),
              HasSubstr("--model"));
  EXPECT_EQ(read_text(tuned.garden.model()), before);
}

/// The small model under Hugging Face's names, in a folder with its config.
engine::NamedTensors hugging_face_state() {
  engine::NamedTensors state;
  for (const auto& [name, tensor] : small_state()) {
    const auto block = [&name = name](const std::string& part) {
      return "vit.encoder.layer." + name.substr(7, 1) + '.' + part + name.substr(name.rfind('.'));
    };
    if (name == "cls_token") {
      state.emplace_back("vit.embeddings.cls_token", tensor);
    } else if (name == "pos_embed") {
      state.emplace_back("vit.embeddings.position_embeddings", tensor);
    } else if (name.starts_with("patch_embed.proj.")) {
      state.emplace_back("vit.embeddings.patch_embeddings.projection" + name.substr(name.rfind('.')), tensor);
    } else if (name.starts_with("norm.")) {
      state.emplace_back("vit.layernorm" + name.substr(name.rfind('.')), tensor);
    } else if (name.starts_with("head.")) {
      state.emplace_back("classifier" + name.substr(name.rfind('.')), tensor);
    } else if (name.find(".attn.qkv.") != std::string::npos) {
      const Index third = tensor.shape()[0] / 3;
      const char* const parts[] = {"query", "key", "value"};
      for (Index i = 0; i < 3; ++i)
        state.emplace_back(block("attention.attention." + std::string(parts[i])),
                           tensor.slice(i * third, (i + 1) * third).clone());
    } else {
      const std::pair<const char*, const char*> others[] = {{"norm1", "layernorm_before"},
                                                            {"norm2", "layernorm_after"},
                                                            {"attn.proj", "attention.output.dense"},
                                                            {"mlp.fc1", "intermediate.dense"},
                                                            {"mlp.fc2", "output.dense"}};
      for (const auto& [timm, theirs] : others) {
        if (name.substr(9, name.rfind('.') - 9) == timm) state.emplace_back(block(theirs), tensor);
      }
    }
  }
  return state;
}

TEST(Merge, of_a_base_with_hugging_faces_names_has_those_names_and_its_norm) {
  const Garden garden;
  const engine::NamedTensors state = hugging_face_state();
  ASSERT_EQ(state.size(), small_state().size() + 2 * 4);
  write_model(garden / "hf/model.safetensors", state, {});
  write_text(garden / "hf/config.json", R"({"num_attention_heads": 3, "layer_norm_eps": 0.01})");
  write_text(garden / "hf/preprocessor_config.json",
             R"({"size": {"height": 16, "width": 16}, "resample": 2, "image_mean": [0.4, 0.5, 0.6]})");
  const Words data{"--data", garden.data(), "--batch-size", "6", "--json"};
  EXPECT_EQ(run(Words{"tune", "--model", garden / "hf", "--method", "grft", "--steps", "4", "--out",
                      garden.run_folder()} +
                data)
                .status,
            0);
  const Words delta{"--model", garden / "hf", "--delta", garden.run_folder() + "/delta.safetensors"};
  const std::string merged = garden / "merged.safetensors";
  const Json json = run(Words{"merge", "--out", merged, "--json"} + delta).json();
  EXPECT_EQ(json["largest_difference"], 0);
  const Safetensors base(garden / "hf/model.safetensors"), file(merged);
  std::vector<std::string> a = base.names(), b = file.names();
  std::ranges::sort(a), std::ranges::sort(b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(without_seconds(run(Words{"eval", "--model", merged} + data).json()),
            without_seconds(run(Words{"eval"} + delta + data).json()));
}

TEST(Delta, made_for_another_base_is_refused_unless_forced) {
  const Tuned tuned;
  const std::string other = tuned.garden / "other.safetensors";
  write_model(other, small_state(small_config(), 2));
  const Words words{"--model", other, "--delta", tuned.delta};
  const std::string image = tuned.garden.data() + "/test/red/40.ppm";
  const std::vector<Words> calls{Words{"eval", "--data", tuned.garden.data()} + words,
                                 Words{"predict", image} + words,
                                 Words{"merge", "--out", tuned.garden / "merged.safetensors"} + words};
  for (const Words& call : calls) {
    const std::string error = run(call).error(1);
    EXPECT_THAT(error, HasSubstr(tuned.delta));
    EXPECT_THAT(error, HasSubstr("--force"));
    EXPECT_EQ(run(call + Words{"--force"}).status, 0) << call[0];
  }
}

TEST(Delta, of_a_size_that_another_base_cannot_have_is_refused_too) {
  const Tuned tuned;
  models::VitConfig config = small_config();
  config.patch = 5, config.image_height = config.image_width = 15;
  const std::string other = tuned.garden / "other.safetensors";
  write_model(other, small_state(config));
  const Words call{"eval", "--data", tuned.garden.data(), "--model", other, "--delta", tuned.delta};
  EXPECT_THAT(run(call).error(1), HasSubstr("another base"));
  run(call + Words{"--force"}).error(1);
}

TEST(Delta, of_another_architecture_is_refused_even_when_forced) {
  const Tuned tuned;
  models::VitConfig config = small_config();
  config.width = 48;
  const std::string other = tuned.garden / "wide.safetensors";
  write_model(other, small_state(config));
  const Words call{"eval", "--data",  tuned.garden.data(), "--model",
                   other,  "--delta", tuned.delta,         "--force"};
  const std::string error = run(call).error(1);
  EXPECT_THAT(error, HasSubstr(tuned.delta));
  EXPECT_THAT(error, HasSubstr("has the shape [3, 24] but [3, 48] is right"));
}

}  // namespace
}  // namespace end_to_end
