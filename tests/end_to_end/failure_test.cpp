// What fails while it runs: one line with what and where, exit status 1.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "tests/end_to_end/garden.h"

namespace end_to_end {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFailed = 1, kCalledWrongly = 2;

/// The error of `tune` on the garden, which may have been spoilt.
std::string tune_error(const Garden& garden, const Words& more = {}, const char* method = "grft",
                       int status = kFailed) {
  return run(Words{"tune"} + garden.job(method) + Words{"--out", garden.run_folder()} + more).error(status);
}

TEST(Failure, names_a_path_that_is_not_there) {
  const Garden garden;
  const std::string missing = garden / "missing.safetensors", image = garden.data() + "/test/red/40.ppm";
  const Words data{"--data", garden.data()}, model{"--model", garden.model()};
  const std::vector<Words> calls{
      Words{"tune", "--out", garden.run_folder(), "--model", missing} + data,
      Words{"select", "--model", missing} + data,
      Words{"eval", "--model", missing} + data,
      Words{"eval", "--delta", missing} + model + data,
      Words{"predict", image, "--model", missing},
      Words{"predict", missing} + model,
      Words{"merge", "--out", garden / "merged.safetensors", "--delta", missing} + model,
      Words{"inspect", missing},
      Words{"eval", "--data", missing} + model,
  };
  for (const Words& call : calls) EXPECT_THAT(run(call).error(kFailed), HasSubstr(missing)) << call[0];
}

TEST(Failure, names_a_folder_without_a_model) {
  const Garden garden;
  EXPECT_THAT(run({"eval", "--model", garden.data(), "--data", garden.data()}).error(kFailed),
              HasSubstr("model.safetensors"));
  EXPECT_THAT(run({"inspect", garden.data()}).error(kFailed), HasSubstr(garden.data()));
}

TEST(Failure, names_a_image_that_is_none_cut_off_or_too_large) {
  const std::vector<std::pair<std::string, std::string>> images{{"this is no image", "00.ppm"},
                                                                {image(1, 7).substr(0, 100), "00.ppm"},
                                                                {"P6 60000 60000 255\n", "60000"},
                                                                {"", "00.ppm"}};
  for (const auto& [content, named] : images) {
    const Garden garden;
    const std::string path = garden.data() + "/train/green/00.ppm";
    write_text(path, content);
    for (const char* workers : {"0", "2"})
      EXPECT_THAT(tune_error(garden, {"--workers", workers, "--overwrite"}),
                  AllOf(HasSubstr(path), HasSubstr(named)))
          << content;
    EXPECT_THAT(run({"predict", "--model", garden.model(), path}).error(kFailed), HasSubstr(path)) << content;
  }
}

TEST(Failure, names_an_empty_class_one_class_only_and_a_class_that_train_lacks) {
  {
    const Garden garden;
    fs::create_directories(garden.data() + "/train/yellow");
    EXPECT_THAT(tune_error(garden), HasSubstr("train/yellow"));
  }
  {
    const Garden garden;
    for (const char* colour : {"blue", "red"}) fs::remove_all(garden.data() + "/train/" + colour);
    EXPECT_THAT(tune_error(garden), AllOf(HasSubstr("green"), HasSubstr("one class")));
  }
  {
    const Garden garden;
    write_images(garden.data() + "/val", {"violet"}, 2);
    EXPECT_THAT(tune_error(garden), HasSubstr("/val: 1 class that train lacks: violet"));
  }
}

TEST(Failure, names_the_split_that_is_missing_and_those_there_are) {
  const Garden garden;
  fs::remove_all(garden.data() + "/val");
  EXPECT_THAT(tune_error(garden, {"--on", "train+val"}), HasSubstr("there is no val split"));
  EXPECT_THAT(tune_error(garden, {"--keep", "best"}), HasSubstr("--keep best needs a val split"));
  EXPECT_THAT(tune_error(garden, {"--eval-every", "2"}), HasSubstr("--eval-every 2 needs a val split"));
  EXPECT_THAT(
      run({"eval", "--model", garden.model(), "--data", garden.data(), "--split", "val"}).error(kFailed),
      HasSubstr("there is no val split in the data; it has train, test"));
  fs::remove_all(garden.data() + "/train");
  EXPECT_THAT(tune_error(garden), HasSubstr("no train split"));
}

TEST(Failure, names_data_that_does_not_fill_a_batch) {
  const Garden garden;
  EXPECT_THAT(run({"tune", "--model", garden.model(), "--data", garden.data(), "--out", garden.run_folder()})
                  .error(kFailed),
              AllOf(HasSubstr("the data has 18 images"), HasSubstr("one batch of 32"),
                    HasSubstr("a --batch-size of 18 or less")));
  EXPECT_FALSE(fs::exists(garden.run_folder()));
}

TEST(Failure, names_every_weight_that_is_missing_or_unexpected) {
  const Garden garden;
  engine::NamedTensors state = small_state();
  std::erase_if(state, [](const auto& named) {
    return named.first == "blocks.1.attn.qkv.bias" || named.first == "norm.bias";
  });
  state.emplace_back("blocks.1.ls1.gamma", engine::Tensor::zeros({24}));
  write_model(garden.model(), state);
  EXPECT_THAT(tune_error(garden), AllOf(HasSubstr(garden.model()), HasSubstr("blocks.1.attn.qkv.bias"),
                                        HasSubstr("norm.bias"), HasSubstr("blocks.1.ls1.gamma")));
}

TEST(Failure, shows_both_shapes_of_a_weight_with_the_wrong_one) {
  const Garden garden;
  engine::NamedTensors state = small_state();
  tensor_of(state, "blocks.1.mlp.fc2.weight") = engine::Tensor::zeros({24, 47});
  write_model(garden.model(), state);
  EXPECT_THAT(tune_error(garden),
              AllOf(HasSubstr("blocks.1.mlp.fc2.weight"), HasSubstr("[24, 47]"), HasSubstr("[24, 48]")));
}

TEST(Failure, names_a_weight_that_is_not_finite_or_holds_whole_numbers) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Garden garden;
    engine::NamedTensors state = small_state();
    tensor_of(state, "blocks.1.mlp.fc1.weight").data<float>()[17] = bad;
    write_model(garden.model(), state);
    EXPECT_THAT(tune_error(garden), AllOf(HasSubstr(garden.model()), HasSubstr("blocks.1.mlp.fc1.weight"),
                                          HasSubstr("has 1 of 1152")));
  }
  const Garden garden;
  engine::NamedTensors state = small_state();
  tensor_of(state, "norm.bias") = engine::Tensor::zeros({24}, engine::Dtype::i64);
  write_model(garden.model(), state);
  EXPECT_THAT(tune_error(garden), AllOf(HasSubstr("norm.bias"), HasSubstr("whole numbers")));
}

TEST(Failure, names_a_checkpoint_that_is_no_vision_transformer_or_no_safetensors) {
  const Garden garden;
  write_model(garden.model(), {{"layer.weight", engine::Tensor::zeros({3, 3})}}, {});
  EXPECT_THAT(tune_error(garden), HasSubstr(garden.model()));
  for (const std::string& content :
       {std::string(), std::string("short"), std::string("\x10\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"", 23),
        std::string(64, '\xff')}) {
    write_text(garden.model(), content);
    EXPECT_THAT(tune_error(garden), HasSubstr(garden.model()));
    EXPECT_THAT(run({"inspect", garden.model()}).error(kFailed), HasSubstr(garden.model()));
  }
}

TEST(Failure, names_heads_of_a_checkpoint_that_make_no_sense) {
  for (const char* heads : {"0", "-1", "5", "x"}) {
    const Garden garden;
    write_model(garden.model(), small_state(), {{"num_heads", heads}});
    EXPECT_THAT(tune_error(garden), AllOf(HasSubstr(garden.model()), HasSubstr("heads"))) << heads;
  }
}

TEST(Failure, names_a_config_that_makes_no_sense) {
  for (const char* config :
       {"{", "[]", R"({"num_attention_heads": "three"})", R"({"num_attention_heads": 0})",
        R"({"pretrained_cfg": {"std": [0, 1, 1]}})", R"({"pretrained_cfg": {"mean": [0.5]}})",
        R"({"pretrained_cfg": {"interpolation": "lanczos"}})", R"({"pretrained_cfg": {"crop_pct": 0}})"}) {
    const Garden garden;
    write_model(garden / "model/model.safetensors", small_state(), {});
    write_text(garden / "model/config.json", config);
    EXPECT_THAT(
        run({"predict", "--model", garden / "model", garden.data() + "/test/red/40.ppm"}).error(kFailed),
        HasSubstr("config.json"))
        << config;
  }
}

TEST(Failure, names_the_field_of_a_config_that_is_wrong_and_what_would_be_right) {
  const std::vector<std::array<const char*, 4>> wrong{
      {"config.json", R"({"num_attention_heads": "three"})", "num_attention_heads", "whole number"},
      {"config.json", R"({"layer_norm_eps": "x"})", "layer_norm_eps", "a number"},
      {"config.json", R"({"layer_norm_eps": 0})", "layer_norm_eps", "above 0"},
      {"config.json", R"({"id2label": {"0": 5}})", "id2label[0]", "name"},
      {"config.json", R"({"id2label": 5})", "id2label", "object"},
      {"config.json", R"({"label_names": ["a", 5]})", "label_names[1]", "name"},
      {"config.json", R"({"pretrained_cfg": 5})", "pretrained_cfg", "object"},
      {"config.json", R"({"pretrained_cfg": {"input_size": [3]}})", "input_size", "three"},
      {"config.json", R"({"pretrained_cfg": {"mean": "x"}})", "mean", "list"},
      {"config.json", R"({"pretrained_cfg": {"crop_pct": 1e-9}})", "crop_pct", "0.01"},
      {"preprocessor_config.json", R"({"size": {"width": 3}})", "size", "height"},
      {"preprocessor_config.json", R"({"size": "x"})", "size", "whole number"},
      {"preprocessor_config.json", R"({"do_center_crop": "x"})", "do_center_crop", "true or false"}};
  for (const auto& [file, text, field, right] : wrong) {
    const Garden garden;
    write_model(garden / "model/model.safetensors", small_state(), {});
    write_text(garden / (std::string("model/") + file), text);
    EXPECT_THAT(
        run({"predict", "--model", garden / "model", garden.data() + "/test/red/40.ppm"}).error(kFailed),
        AllOf(HasSubstr(file), HasSubstr(field), HasSubstr(right),
              ::testing::Not(HasSubstr("json.exception"))))
        << text;
  }
}

TEST(Failure, names_a_delta_that_is_none_or_was_changed) {
  const Garden garden;
  garden.tune("grft");
  const engine::Safetensors delta(garden.run_folder() + "/delta.safetensors");
  const std::string changed = garden / "changed.safetensors";
  const auto error_with = [&](const engine::Metadata& metadata, const std::string& drop = "") {
    engine::NamedTensors tensors;
    for (const std::string& name : delta.names()) {
      if (name != drop) tensors.emplace_back(name, delta.read(name));
    }
    engine::write_safetensors(changed, tensors, metadata);
    return run({"eval", "--model", garden.model(), "--data", garden.data(), "--delta", changed})
        .error(kFailed);
  };
  EXPECT_THAT(error_with({}), AllOf(HasSubstr(changed), HasSubstr("format")));
  const std::set<std::string> newer{"num_heads", "norm_eps",          "activation",
                                    "pooling",   "position_resizing", "parameters"};
  for (const auto& [key, value] : delta.metadata()) {
    if (key == "method" || key == "options" || key == "arch") continue;  // nobody needs them to load it
    engine::Metadata metadata = delta.metadata();
    metadata[key] = "[nonsense";
    EXPECT_THAT(error_with(metadata), HasSubstr(changed)) << key;
    if (newer.contains(key)) continue;  // not in deltas of version 1.0
    metadata.erase(key);
    EXPECT_THAT(error_with(metadata), AllOf(HasSubstr(changed), HasSubstr(key)));
  }
  EXPECT_THAT(error_with(delta.metadata(), "patch_embed.proj.weight.values"),
              HasSubstr("patch_embed.proj.weight"));
  EXPECT_THAT(run({"eval", "--model", garden.model(), "--data", garden.data(), "--delta", garden.model()})
                  .error(kFailed),
              HasSubstr(garden.model()));
}

TEST(Failure, names_what_in_a_delta_would_spoil_the_model) {
  const Garden garden;
  garden.tune("grft");
  const engine::Safetensors delta(garden.run_folder() + "/delta.safetensors");
  const std::string changed = garden / "changed.safetensors";
  const auto error_with = [&](const std::string& name, const std::optional<engine::Tensor>& tensor,
                              const engine::Metadata& metadata) {
    engine::NamedTensors tensors;
    for (const std::string& n : delta.names()) {
      if (n != name) tensors.emplace_back(n, delta.read(n));
    }
    if (tensor) tensors.emplace_back(name, *tensor);
    engine::write_safetensors(changed, tensors, metadata);
    return run({"eval", "--model", garden.model(), "--data", garden.data(), "--delta", changed})
        .error(kFailed);
  };
  for (const char* name : {"head.weight", "head.bias"})
    EXPECT_THAT(error_with(name, {}, delta.metadata()), AllOf(HasSubstr(changed), HasSubstr(name)));
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    engine::Tensor bias = delta.read("head.bias").to(engine::Dtype::f64);
    bias.data<double>()[1] = bad;
    EXPECT_THAT(error_with("head.bias", bias, delta.metadata()),
                AllOf(HasSubstr(changed), HasSubstr("head.bias"), HasSubstr("infinite")))
        << bad;
  }
  engine::Metadata twins = delta.metadata();
  twins["classes"] = R"(["blue","red","red"])";
  EXPECT_THAT(error_with("", {}, twins), AllOf(HasSubstr(changed), HasSubstr("red")));
  engine::Metadata four = delta.metadata();
  four["classes"] = R"(["blue","green","red","violet"])";
  EXPECT_THAT(error_with("", {}, four), AllOf(HasSubstr(changed), HasSubstr("head.weight"),
                                              HasSubstr("[3, 24]"), HasSubstr("[4, 24]")));
}

TEST(Failure, names_a_weight_that_is_infinite_in_f32) {
  const Garden garden;
  engine::NamedTensors state = small_state();
  engine::Tensor& bias = tensor_of(state, "norm.bias");
  bias = bias.to(engine::Dtype::f64);
  bias.data<double>()[3] = 1e300;
  write_model(garden.model(), state);
  EXPECT_THAT(tune_error(garden), AllOf(HasSubstr(garden.model()), HasSubstr("norm.bias"), HasSubstr("f32")));
}

TEST(Failure, names_a_class_that_is_not_utf8) {
  const Garden garden;
  fs::rename(garden.data() + "/train/red", garden.data() +
                                               "/train/r\xe9"
                                               "d");
  for (const char* split : {"val", "test"}) fs::remove_all(garden.data() + "/" + split);
  EXPECT_THAT(tune_error(garden), AllOf(HasSubstr("\"r\xef\xbf\xbd"
                                                  "d\""),
                                        HasSubstr("UTF-8")));
  EXPECT_FALSE(fs::exists(garden.run_folder()));
}

TEST(Failure, does_not_come_from_names_of_files_and_folders_that_are_not_utf8) {
  const Garden garden;
  const std::string data = garden.path() / "d\xe9t\xe9", run_folder = garden.path() / "r\xe9s";
  fs::rename(garden.data(), data);
  const Words words{"--model", garden.model(), "--data", data, "--batch-size", "6", "--threads", "2"};
  run(Words{"tune", "--out", run_folder, "--steps", "2", "--method", "linear", "--json"} + words).json();
  EXPECT_THAT(std::string(read_json(run_folder + "/config.json")["data"]),
              HasSubstr("d\xef\xbf\xbdt\xef\xbf\xbd"));
  EXPECT_EQ(run(Words{"tune", "--out", run_folder, "--steps", "2", "--method", "linear", "--resume"} + words)
                .status,
            0);
  const Words tuned{"--model", garden.model(), "--delta", run_folder + "/delta.safetensors"};
  const std::string logits = garden / "l\xe9.safetensors";
  run(Words{"eval", "--data", data, "--logits", logits, "--json"} + tuned).json();
  EXPECT_THAT(engine::Safetensors(logits).metadata().at("files"), HasSubstr("d\xef\xbf\xbdt"));
  run(Words{"predict", data + "/test/red/40.ppm", "--json"} + tuned).json();
}

TEST(Failure, of_a_loss_that_is_not_finite_names_step_and_images_and_keeps_the_last_good_state) {
  // With the first the weights stay finite but the next loss does not; with the second they do not either.
  for (const auto& [rate, step] : {std::pair{"1e30", "step 1"}, std::pair{"1e300", "step 0"}}) {
    const Garden garden;
    const Words words{"--lr", rate, "--optimizer", "sgd", "--schedule", "constant"};
    const std::string error = tune_error(garden, words + Words{"--steps", "9"}, "full");
    EXPECT_THAT(error, AllOf(HasSubstr(step), HasSubstr(garden.data() + "/train/"),
                             HasSubstr("checkpoint.safetensors"), HasSubstr("--lr")));
    EXPECT_FALSE(fs::exists(garden.run_folder() + "/delta.safetensors"));
    EXPECT_FALSE(fs::exists(garden.run_folder() + "/result.json"));
    const engine::Safetensors checkpoint(garden.run_folder() + "/checkpoint.safetensors");
    for (const std::string& name : checkpoint.names()) {
      const engine::Tensor tensor = checkpoint.read(name);
      if (!name.starts_with("model.") || tensor.dtype() != engine::Dtype::f32) continue;
      EXPECT_TRUE(std::ranges::all_of(tensor.data<float>(), [](float x) { return std::isfinite(x); }))
          << name;
    }
    EXPECT_EQ(run({"inspect", garden.run_folder()}).status, 0);
    EXPECT_THAT(tune_error(garden, words + Words{"--steps", "9", "--resume"}, "full"), HasSubstr(step))
        << "it loads";
  }
}

TEST(Failure, of_a_step_that_makes_weights_infinite_comes_before_anything_is_saved) {
  const Words wild{"--lr", "1e300", "--optimizer", "sgd", "--save-every", "1"};
  for (const char* steps : {"1", "6"}) {
    const Garden garden;
    EXPECT_THAT(tune_error(garden, wild + Words{"--steps", steps}, "linear"),
                AllOf(HasSubstr("step 0"), HasSubstr("weight"), HasSubstr(garden.data() + "/train/")));
    EXPECT_FALSE(fs::exists(garden.run_folder() + "/delta.safetensors"));
    const engine::Safetensors checkpoint(garden.run_folder() + "/checkpoint.safetensors");
    for (const float x : checkpoint.read("model.head.weight").data<float>()) EXPECT_TRUE(std::isfinite(x));
  }
}

TEST(Failure, names_the_image_whose_logits_are_not_finite) {
  const Garden garden;
  engine::NamedTensors state = small_state();
  for (const char* name : {"head.weight", "norm.weight"}) {
    for (float& x : tensor_of(state, name).data<float>()) x = x < 0 ? -1e30f : 1e30f;
  }
  write_model(garden.model(), state, {{"num_heads", "3"}, {"classes", R"(["blue","green","red","x","y"])"}});
  const std::string logits = garden / "logits.safetensors";
  EXPECT_THAT(
      run({"eval", "--model", garden.model(), "--data", garden.data(), "--logits", logits}).error(kFailed),
      AllOf(HasSubstr("logits"), HasSubstr("blue/40.ppm"), HasSubstr("finite")));
  EXPECT_FALSE(fs::exists(logits));
}

TEST(Failure, names_an_out_that_cannot_be_written) {
  const Garden garden;
  garden.tune("linear");
  write_text(garden / "file", "a file");
  const std::string below = garden.path().string() + "/file/run";
  EXPECT_THAT(run(Words{"tune"} + garden.job("linear") + Words{"--out", below}).error(kFailed),
              HasSubstr(below));
  EXPECT_THAT(
      run(Words{"tune"} + garden.job("linear") + Words{"--out", garden / "file"}).error(kCalledWrongly),
      HasSubstr("is a file; --out needs a folder"));
  EXPECT_EQ(read_text(garden / "file"), "a file");
  const std::string nowhere = garden.path().string() + "/nowhere/x.safetensors";
  const Words delta{"--model", garden.model(), "--delta", garden.run_folder() + "/delta.safetensors"};
  EXPECT_THAT(run(Words{"select", "--out", nowhere} + garden.job("grft")).error(kFailed), HasSubstr(nowhere));
  EXPECT_THAT(run(Words{"select", "--gradients", nowhere} + garden.job("grft")).error(kFailed),
              HasSubstr(nowhere));
  EXPECT_THAT(run(Words{"merge", "--out", nowhere} + delta).error(kFailed), HasSubstr(nowhere));
  EXPECT_THAT(run(Words{"eval", "--logits", nowhere, "--data", garden.data()} + delta).error(kFailed),
              HasSubstr(nowhere));
  EXPECT_THAT(run(Words{"merge", "--out", garden.data()} + delta).error(kFailed), HasSubstr(garden.data()));
  EXPECT_THAT(run(Words{"merge", "--out", "/dev/null"} + delta).error(kFailed),
              HasSubstr("not a regular file"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(Failure, is_reported_when_the_result_cannot_be_printed) {
  const Garden garden;
  const std::vector<Words> calls{{"--version"},
                                 {"methods"},
                                 {"tune", "--help"},
                                 {"count", "--arch", "vit_tiny_patch16_224", "--classes", "3"},
                                 Words{"select", "--json"} + garden.job("sift"),
                                 {"predict", "--model", garden.model(), garden.data() + "/test/red/40.ppm"}};
  for (const Words& call : calls)
    EXPECT_THAT(run(call, {.standard_out = "/dev/full"}).error(kFailed), HasSubstr("to standard output"))
        << call[0];
}

TEST(Failure, of_a_checkpoint_without_a_head_names_what_is_needed) {
  const Garden garden;
  engine::NamedTensors state = small_state();
  std::erase_if(state, [](const auto& named) { return named.first.starts_with("head."); });
  write_model(garden.model(), state);
  EXPECT_THAT(run({"eval", "--model", garden.model(), "--data", garden.data()}).error(kFailed),
              AllOf(HasSubstr("head"), HasSubstr("--delta")));
  garden.tune("grft");  // gives it one
  EXPECT_EQ(run({"eval", "--model", garden.model(), "--data", garden.data(), "--delta",
                 garden.run_folder() + "/delta.safetensors"})
                .status,
            0);
}

TEST(Failure, names_classes_that_the_model_does_not_know) {
  const Garden garden;
  garden.tune("linear");
  const Words words{"eval", "--model", garden.model(), "--data", garden.data()};
  EXPECT_THAT(run(words).error(kFailed), HasSubstr("the model has 5 classes but the data has 3"));
  for (const char* split : {"train", "val", "test"})
    fs::rename(garden.data() + "/" + split + "/green", garden.data() + "/" + split + "/grene");
  EXPECT_THAT(run(words + Words{"--delta", garden.run_folder() + "/delta.safetensors"}).error(kFailed),
              HasSubstr("that the model does not know: grene; did you mean green"));
}

}  // namespace
}  // namespace end_to_end
