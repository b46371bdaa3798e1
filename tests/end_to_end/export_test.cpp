#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/garden.h"
#include "tests/support/protobuf_reader.h"

namespace end_to_end {
namespace {

using support::ProtobufReader;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kFailed = 1, kCalledWrongly = 2;

class Export : public ::testing::Test {
 protected:
  Words to(const std::string& name) const { return {"export", "--format", "onnx", "--out", garden_ / name}; }
  Words run_words() const { return {"--run", garden_.run_folder()}; }

  /// metadata_props of an ONNX file.
  std::map<std::string, std::string> metadata(const std::string& name) const {
    const std::string bytes = read_text(garden_ / name);
    std::map<std::string, std::string> found;
    for (const ProtobufReader& entry : ProtobufReader(bytes).messages(14))
      found[entry.text(1)] = entry.text(2);
    return found;
  }

  const Garden garden_;
};

TEST_F(Export, of_a_run_has_its_classes_and_how_its_images_are_prepared) {
  garden_.tune("grft");
  const Json result = run(to("flowers.onnx") + run_words() + Words{"--json"}).json();
  EXPECT_EQ(result["format"], "onnx");
  EXPECT_EQ(result["files"][0]["file"], garden_ / "flowers.onnx");
  EXPECT_EQ(result["files"][0]["bytes"], fs::file_size(garden_ / "flowers.onnx"));
  const auto found = metadata("flowers.onnx");
  const Json config = read_json(garden_.run_folder() + "/config.json");
  EXPECT_EQ(Json::parse(found.at("classes")), config["classes"]);
  EXPECT_EQ(Json::parse(found.at("preprocessing")), config["preprocessing"]);
  EXPECT_THAT(read_text(garden_ / "flowers.onnx"), Not(HasSubstr(garden_.path().string())));
}

TEST_F(Export, of_base_and_delta_is_that_of_the_run_to_the_byte) {
  garden_.tune("lora");
  ASSERT_EQ(run(to("a.onnx") + run_words()).status, 0);
  const Words both{"--model", garden_.model(), "--delta", garden_.run_folder() + "/delta.safetensors"};
  ASSERT_EQ(run(to("b.onnx") + both).status, 0);
  EXPECT_TRUE(read_text(garden_ / "a.onnx") == read_text(garden_ / "b.onnx"));
  ASSERT_EQ(run(to("c.onnx") + Words{"--model", garden_.model()} + run_words()).status, 0);
  EXPECT_TRUE(read_text(garden_ / "a.onnx") == read_text(garden_ / "c.onnx"));
}

TEST_F(Export, with_external_data_writes_two_files_and_replaces_them) {
  for (int time = 0; time < 2; ++time) {
    ASSERT_EQ(run(to("big.onnx") + Words{"--model", garden_.model(), "--external-data"}).status, 0);
    EXPECT_TRUE(fs::exists(garden_ / "big.onnx.data"));
  }
  fs::remove(garden_ / "big.onnx");
  EXPECT_THAT(run(to("big.onnx") + Words{"--model", garden_.model()}).error(kCalledWrongly),
              HasSubstr("big.onnx.data"));
}

TEST_F(Export, of_a_checkpoint_without_a_head_gives_features) {
  const auto output = [&](const std::string& model) {
    EXPECT_EQ(run(to("x.onnx") + Words{"--model", model}).status, 0);
    const std::string bytes = read_text(garden_ / "x.onnx");
    return ProtobufReader(bytes).message(7).message(12).text(1);
  };
  EXPECT_EQ(output(garden_.model()), "logits");
  engine::NamedTensors state = small_state();
  std::erase_if(state, [](const auto& one) { return one.first.starts_with("head."); });
  write_model(garden_ / "no_head.safetensors", state);
  EXPECT_EQ(output(garden_ / "no_head.safetensors"), "features");
}

TEST_F(Export, of_what_cannot_be_merged_names_the_method_and_the_way_out) {
  for (const std::string method : {"vpt", "adapter"}) {
    garden_.tune(method, {}, method);
    EXPECT_THAT(
        run(to("x.onnx") + Words{"--run", garden_.run_folder(method)}).error(kFailed),
        AllOf(HasSubstr("--format onnx"), HasSubstr("keep base and delta"), HasSubstr("eval and predict")));
    EXPECT_FALSE(fs::exists(garden_ / "x.onnx"));
  }
}

TEST_F(Export, is_refused_where_it_was_called_wrongly) {
  const Words model{"--model", garden_.model()};
  EXPECT_THAT(run(Words{"export", "--format", "onnx"} + model).error(kCalledWrongly), HasSubstr("--out"));
  EXPECT_THAT(run(Words{"export", "--out", garden_ / "x"} + model).error(kCalledWrongly),
              HasSubstr("--format"));
  EXPECT_THAT(run(Words{"export", "--format", "onyx", "--out", garden_ / "x"} + model).error(kCalledWrongly),
              HasSubstr("onnx"));
  EXPECT_THAT(run(to("x.onnx") + model + Words{"--dtype", "f16"}).error(kCalledWrongly),
              AllOf(HasSubstr("--dtype f16"), HasSubstr("onnx"), HasSubstr("f32")));
  EXPECT_THAT(run(to("x.onnx")).error(kCalledWrongly), HasSubstr("--model"));
  EXPECT_THAT(run(to("x.onnx") + Words{"--run", garden_.data()}).error(kFailed), HasSubstr("no run folder"));
}

TEST_F(Export, leaves_files_of_others_and_its_inputs_alone) {
  garden_.tune("grft");
  const std::string delta = garden_.run_folder() + "/delta.safetensors", before = read_text(garden_.model());
  const Words words{"export", "--format", "onnx", "--model", garden_.model(), "--delta", delta, "--out"};
  EXPECT_THAT(run(words + Words{garden_.model()}).error(kCalledWrongly), HasSubstr("--model"));
  EXPECT_THAT(run(words + Words{delta}).error(kCalledWrongly), HasSubstr("--delta"));
  write_text(garden_ / "theirs.onnx", "\x08\x0a\x12\x07pytorch");
  EXPECT_THAT(run(words + Words{garden_ / "theirs.onnx"}).error(kCalledWrongly), HasSubstr("theirs.onnx"));
  EXPECT_EQ(read_text(garden_.model()), before);
  EXPECT_EQ(run(words + Words{garden_ / "x.onnx", "--dry-run"}).status, 0);
  EXPECT_FALSE(fs::exists(garden_ / "x.onnx"));
}

TEST_F(Export, of_a_run_whose_base_has_gone_says_how_to_name_it) {
  garden_.tune("grft");
  const std::string config = garden_.run_folder() + "/config.json";
  EXPECT_EQ(read_json(config)["model"], garden_.model());
  fs::rename(garden_.model(), garden_ / "moved.safetensors");
  EXPECT_THAT(run(to("x.onnx") + run_words()).error(kFailed), HasSubstr("--model"));
  EXPECT_EQ(run(to("x.onnx") + run_words() + Words{"--model", garden_ / "moved.safetensors"}).status, 0);
  Json of_an_earlier_version = read_json(config);
  of_an_earlier_version["model"] = Json{{"num_heads", "3"}};
  write_text(config, of_an_earlier_version.dump());
  EXPECT_THAT(run(to("x.onnx") + run_words()).error(kFailed), HasSubstr("--model"));
}

/// Files by name in a folder that was written.
Words names_in(const std::string& folder) {
  Words names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

TEST_F(Export, to_a_folder_is_a_model_that_the_program_reads_with_the_same_logits) {
  garden_.tune("lora");
  const auto logits = [&](const Words& model) {
    const std::string file = garden_ / "logits.safetensors";
    EXPECT_EQ(run(Words{"eval", "--data", garden_.data(), "--logits", file} + model).status, 0);
    return bits_of(engine::Safetensors(file), "logits");
  };
  const std::string merged = garden_ / "merged.safetensors";
  ASSERT_EQ(run({"merge", "--model", garden_.model(), "--delta", garden_.run_folder() + "/delta.safetensors",
                 "--out", merged})
                .status,
            0);
  const std::string expected = logits({"--model", merged});
  for (const std::string format : {"timm", "hf"}) {
    const std::string folder = garden_ / format;
    const Words words = Words{"export", "--format", format, "--out", folder + "/"} + run_words();
    const Json result = run(words + Words{"--json"}).json();
    EXPECT_EQ(result["files"].size(), names_in(folder).size());
    EXPECT_TRUE(logits({"--model", folder}) == expected) << format;
    EXPECT_EQ(run(words).status, 0) << "over its own";
    const std::string card = read_text(folder + "/README.md");
    EXPECT_THAT(card, AllOf(HasSubstr("`data`"), HasSubstr("| test | 9 | "), HasSubstr("`lora`"),
                            HasSubstr("espalier export --run run --format " + format)));
    for (const std::string& name : names_in(folder))
      EXPECT_THAT(read_text(folder + "/" + name), Not(HasSubstr(garden_.path().string()))) << name;
  }
  EXPECT_EQ(names_in(garden_ / "timm"), (Words{"README.md", "config.json", "model.safetensors"}));
  EXPECT_EQ(names_in(garden_ / "hf"),
            (Words{"README.md", "config.json", "model.safetensors", "preprocessor_config.json"}));
  ASSERT_EQ(run(Words{"export", "--format", "peft", "--out", garden_ / "peft"} + run_words()).status, 0);
  EXPECT_EQ(names_in(garden_ / "peft"),
            (Words{"README.md", "adapter_config.json", "adapter_model.safetensors"}));
}

TEST_F(Export, to_a_folder_leaves_those_of_others_and_its_inputs_alone) {
  fs::create_directory(garden_ / "base");
  fs::copy_file(garden_.model(), garden_ / "base/model.safetensors");
  const auto refused = [&](const std::string& out, const std::string& model) {
    return run({"export", "--format", "timm", "--model", model, "--out", out}).error(kCalledWrongly);
  };
  EXPECT_THAT(refused(garden_ / "base", garden_ / "base"), HasSubstr("--model"));
  EXPECT_THAT(refused(garden_ / "base", garden_ / "base/model.safetensors"), HasSubstr("--model"));
  EXPECT_THAT(refused(garden_ / "base", garden_.model()), HasSubstr("no folder of --format timm"));
  EXPECT_THAT(refused(garden_ / "data", garden_ / "base"), HasSubstr("no folder of --format timm"));
  EXPECT_THAT(refused(garden_ / "base/model.safetensors", garden_.model()), HasSubstr("is no folder"));
  EXPECT_EQ(names_in(garden_ / "base"), Words{"model.safetensors"});
  const Words words{"export", "--format", "timm", "--model", garden_.model(), "--out"};
  EXPECT_THAT(run(words + Words{(garden_.path() / "no" / "such").string()}).error(kFailed),
              HasSubstr("is no folder; make it"));
  EXPECT_EQ(run(words + Words{garden_ / "x", "--dry-run"}).status, 0);
  EXPECT_FALSE(fs::exists(garden_ / "x"));
}

TEST_F(Export, that_would_be_refused_is_refused_by_a_dry_run) {
  garden_.tune("grft");
  const Words words = Words{"export", "--format", "peft", "--out", garden_ / "x", "--dry-run"} + run_words();
  EXPECT_THAT(run(words).error(kFailed), HasSubstr("grft"));
}

TEST_F(Export, notes_that_no_format_states_an_orientation) {
  garden_.tune("linear", {"--exif-rotate"});
  EXPECT_TRUE(run(Words{"export", "--format", "onnx", "--out", garden_ / "x.onnx"} + run_words())
                  .noted("does not state that images are turned upright"));
}

TEST_F(Export, of_peft_refuses_what_is_no_adapter_with_the_way_out) {
  garden_.tune("grft");
  EXPECT_THAT(run(Words{"export", "--format", "peft", "--out", garden_ / "x"} + run_words()).error(kFailed),
              AllOf(HasSubstr("grft"), HasSubstr("; --format timm")));
  EXPECT_FALSE(fs::exists(garden_ / "x"));
}

}  // namespace
}  // namespace end_to_end
