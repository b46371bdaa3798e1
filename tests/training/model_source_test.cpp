#include "tools/training/pretrained/model_source.h"

#include <gmock/gmock.h>

#include "tests/support/compare.h"
#include "tests/training/small_checkpoint.h"
#include "tests/training/small_run.h"
#include "tools/training/pretrained/metadata.h"
#include "tools/training/tuned_model.h"

namespace training {
namespace {

using engine::put;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Heads, without_a_word_on_them_are_guessed_aloud_or_refused) {
  SmallCheckpoint checkpoint;
  EXPECT_THAT(checkpoint.error(), AllOf(HasSubstr("model.safetensors"), HasSubstr("number of heads")));
  models::VitConfig wide = SmallCheckpoint::sizes();
  wide.width = 128, wide.heads = 2;
  checkpoint.write(SmallCheckpoint::state(wide));
  EXPECT_EQ(checkpoint.load().model.config().heads, 2);
  EXPECT_TRUE(checkpoint.noted("taking 2 (width / 64)"));
}

TEST(Config, that_contradicts_the_tensors_is_refused_or_noted) {
  SmallCheckpoint checkpoint;
  for (const char* field :
       {"num_hidden_layers", "patch_size", "hidden_size", "intermediate_size", "num_channels"}) {
    put(checkpoint / "config.json", R"({"num_attention_heads":3,")" + std::string(field) + "\":1}");
    EXPECT_THAT(checkpoint.error(), AllOf(HasSubstr(field), HasSubstr("is 1 but the tensors are of")));
  }
  put(checkpoint / "config.json", R"({"num_attention_heads":3,"image_size":32})");
  EXPECT_EQ(checkpoint.load().model.config().image_height, 16);
  EXPECT_TRUE(checkpoint.noted("image_size is 32 but the tensors are of 16"));
  const std::string args = R"({"model_args":{"num_heads":3,"img_size":16},"pretrained_cfg":)";
  put(checkpoint / "config.json", args + R"({"input_size":[3,32,32]}})");
  EXPECT_EQ(checkpoint.load().preprocessing.size, 16);
  EXPECT_TRUE(checkpoint.noted("input_size is 32 but the tensors are of 16"));
  put(checkpoint / "config.json", R"({"num_attention_heads":3,"num_labels":4,"id2label":{"0":"a"}})");
  checkpoint.load();
  EXPECT_TRUE(checkpoint.noted("num_labels is 4") && checkpoint.noted("id2label is 1"));
  put(checkpoint / "config.json", R"({"num_attention_heads":3})");
  const std::string processor = R"({"image_processor_type":"DeiTImageProcessor","size":24,"crop_size":)";
  put(checkpoint / "preprocessor_config.json", processor + "20}");
  EXPECT_EQ(checkpoint.load().preprocessing.size, 16);
  EXPECT_TRUE(checkpoint.noted(
      "the image processor's file: the size of prepared images is 20 but the tensors are of 16"));
  put(checkpoint / "preprocessor_config.json", processor + "16}");
  checkpoint.load();
  EXPECT_FALSE(checkpoint.noted("crop_size"));
  put(checkpoint / "config.json", R"({"num_attention_heads":3,"qkv_bias":false})");
  EXPECT_THAT(checkpoint.error(), HasSubstr("queries, keys and values should be"));
}

TEST(ClassNames, must_be_as_many_as_rows_and_different) {
  SmallCheckpoint checkpoint;
  const auto names = [&](const std::string& list) {
    put(checkpoint / "config.json", R"({"model_args":{"num_heads":3},"label_names":)" + list + "}");
    return checkpoint.load().classes;
  };
  EXPECT_EQ(names(R"(["a","b","c","d","e"])").size(), 5u);
  EXPECT_TRUE(checkpoint.notes.size() == 1u) << "of images alone";
  EXPECT_TRUE(names(R"(["a","b","c","d","a"])").empty());
  EXPECT_TRUE(checkpoint.noted("two classes are called 'a'"));
  for (const char* list : {R"(["a","b"])", R"(["a","b","c","d","e","f"])"}) {
    EXPECT_TRUE(names(list).empty());
    EXPECT_TRUE(checkpoint.noted("names for the 5 rows"));
  }
}

TEST(ClassNames, that_transformers_made_up_are_none) {
  SmallCheckpoint checkpoint;
  put(checkpoint / "config.json",
      R"({"num_attention_heads":3,"id2label":{"0":"LABEL_0","1":"LABEL_1","2":"LABEL_2","3":"LABEL_3","4":"LABEL_4"}})");
  EXPECT_TRUE(checkpoint.load().classes.empty());
}

TEST(Head, that_is_no_softmax_is_refused) {
  SmallCheckpoint checkpoint;
  for (const char* type : {"regression", "multi_label_classification"}) {
    put(checkpoint / "config.json",
        R"({"num_attention_heads":3,"problem_type":")" + std::string(type) + "\"}");
    const LoadedModel loaded = checkpoint.load();
    EXPECT_THAT(engine::message_of<engine::Error>([&] { check_head(loaded, "m"); }), HasSubstr(type));
  }
  std::filesystem::remove(checkpoint / "config.json");
  models::VitConfig one = SmallCheckpoint::sizes();
  one.classes = 1;
  checkpoint.write(SmallCheckpoint::state(one), {{"num_heads", "3"}});
  const LoadedModel loaded = checkpoint.load();
  EXPECT_THAT(engine::message_of<engine::Error>([&] { check_head(loaded, "m"); }), HasSubstr("one row"));
}

TEST(Head, that_cannot_be_read_does_not_matter_to_a_new_one) {
  SmallCheckpoint checkpoint;
  engine::NamedTensors state = SmallCheckpoint::state();
  for (auto& [name, tensor] : state)
    if (name.starts_with("head.")) name = "head.fc" + name.substr(4);
  checkpoint.write(state, {{"num_heads", "3"}});
  EXPECT_THAT(checkpoint.error(), HasSubstr("head.fc.weight"));
  EXPECT_FALSE(checkpoint.load({}, false).has_head);
}

TEST(Head, that_is_kept_has_its_rows_in_the_order_of_the_datas_classes) {
  const SmallRun base;
  models::VitConfig sizes;
  sizes.image_height = sizes.image_width = 16, sizes.patch = 8;
  sizes.width = 12, sizes.depth = 2, sizes.heads = 3, sizes.hidden = 24, sizes.classes = 3;
  engine::NamedTensors state = SmallCheckpoint::state(sizes);
  engine::Tensor weight;
  for (auto& [name, tensor] : state) {
    if (name == "head.weight") weight = tensor;
    if (name != "head.bias") continue;
    for (std::size_t i = 0; i < 3; ++i) tensor.data<float>()[i] = static_cast<float>(i);
  }
  engine::write_safetensors(base / "model.safetensors", state,
                            {{"num_heads", "3"}, {"classes", R"(["c","a","b"])"}});
  training::Run run = open_run(base.config(), {"train"});
  models::Vit& model = run.loaded.model;
  EXPECT_EQ(model.heads()[0]->bias->value().data<float>()[0], 1) << "a";
  EXPECT_EQ(model.heads()[0]->bias->value().data<float>()[2], 0) << "c";
  EXPECT_EQ(model.heads()[0]->weight.value().data<float>()[0], weight.data<float>()[12]);
}

TEST(Checkpoint, for_gray_images_is_refused_with_its_file) {
  SmallCheckpoint checkpoint;
  models::VitConfig gray = SmallCheckpoint::sizes();
  gray.channels = 1;
  checkpoint.write(SmallCheckpoint::state(gray), {{"num_heads", "3"}});
  EXPECT_THAT(checkpoint.error(), AllOf(HasSubstr("model.safetensors"), HasSubstr("1 channels")));
}

TEST(MatchClasses, by_place_may_lack_any_that_is_called_by_its_number) {
  EXPECT_EQ(match_classes({"0", "1"}, {}, 3), (std::vector<Index>{0, 1}));
  EXPECT_THROW(match_classes({"a", "b"}, {}, 3), engine::Error);
  EXPECT_THROW(match_classes({"0", "1", "2", "3"}, {}, 3), engine::Error);
}

TEST(MatchClasses, says_which_name_is_written_in_another_normalisation) {
  try {
    match_classes({"caf\u00e9", "tea"}, {"cafe\u0301", "tea"}, 2);
    ADD_FAILURE() << "took two names for one";
  } catch (const engine::Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("the model's"), HasSubstr("normalisation"), HasSubstr("c3 a9")));
  }
}

TEST(Towers, beside_the_classifier_are_left_out_with_a_note) {
  SmallCheckpoint checkpoint;
  engine::NamedTensors state = SmallCheckpoint::state();
  state.emplace_back("decoder.weight", engine::Tensor::zeros({3}));
  checkpoint.write(state, {{"num_heads", "3"}});
  checkpoint.load();
  EXPECT_TRUE(checkpoint.noted("left out of"));
  EXPECT_TRUE(checkpoint.noted(": decoder"));
}

/// A delta of a method, trained on a small run, and the base it was made for.
struct SmallDelta : SmallRun {
  explicit SmallDelta(const std::string& method) { make(method); }
  void make(const std::string& method) const {
    TrainConfig config = this->config();
    config.method = method;
    Run run = open_run(config, {"train"});
    score_and_select(run, config);
    write_delta(*this / "delta.safetensors", run, config);
  }
  std::string error(bool force = false) const {
    try {
      load_tuned_model(config().model, *this / "delta.safetensors", force);
      return {};
    } catch (const engine::Error& e) {
      return e.what();
    }
  }
  /// The delta without a tensor, or with other metadata.
  void change(const std::string& without, const engine::Metadata& metadata = {}) const {
    engine::NamedTensors tensors;
    engine::Metadata all;
    {
      const engine::Safetensors delta(*this / "delta.safetensors");
      all = delta.metadata();
      for (const std::string& name : delta.names())
        if (name != without) tensors.emplace_back(name, delta.read(name));
    }
    for (const auto& [key, value] : metadata) {
      if (value.empty())
        all.erase(key);
      else
        all[key] = value;
    }
    engine::write_safetensors(*this / "delta.safetensors", tensors, all);
  }
};

TEST(Delta, that_lost_a_parameter_of_its_method_is_refused) {
  for (const auto& [method, name] :
       {std::pair{"lora", "blocks.1.attn.qkv.lora.b"}, {"vpt", "blocks.vpt.prompts"}}) {
    const SmallDelta delta(method);
    EXPECT_EQ(delta.error(), "");
    const engine::Safetensors file(delta / "delta.safetensors");
    std::string lost = name;
    if (!file.contains(lost)) {
      for (const std::string& n : file.names())
        if (!n.starts_with("head.")) lost = n;
    }
    delta.change(lost);
    EXPECT_THAT(delta.error(), AllOf(HasSubstr("delta.safetensors"), HasSubstr(lost))) << method;
  }
}

TEST(Delta, on_a_base_that_says_otherwise_is_refused_with_both_values) {
  const SmallDelta delta("bitfit");
  put(delta / "config.json",
      R"({"num_attention_heads":4})");  // the metadata of the file are another program's
  EXPECT_THAT(delta.error(), AllOf(HasSubstr("num_heads '3'"), HasSubstr("'4'"), HasSubstr("--force")));
  EXPECT_NO_THROW(load_tuned_model(delta.config().model, delta / "delta.safetensors", true));
  put(delta / "config.json", R"({"num_attention_heads":3,"layer_norm_eps":1e-5})");
  EXPECT_THAT(delta.error(), AllOf(HasSubstr("norm_eps"), HasSubstr("1e-06"), HasSubstr("1e-05")));
  put(delta / "config.json", R"({"num_attention_heads":3})");
  delta.change("", {{"pooling", "avg"}});
  EXPECT_THAT(delta.error(), AllOf(HasSubstr("pooling 'avg'"), HasSubstr("'token'")));
}

TEST(Delta, says_what_its_base_does_not) {
  const SmallDelta delta("bitfit");
  engine::NamedTensors tensors;
  {
    const engine::Safetensors base(delta / "model.safetensors");
    for (const std::string& name : base.names()) tensors.emplace_back(name, base.read(name));
  }
  engine::write_safetensors(delta / "model.safetensors", tensors, {});
  EXPECT_EQ(load_tuned_model(delta.config().model, delta / "delta.safetensors", true).model.config().heads,
            3);
  delta.change(
      "",
      {{"num_heads", ""}, {"norm_eps", ""}, {"activation", ""}, {"pooling", ""}, {"position_resizing", ""}});
  EXPECT_THAT(delta.error(true), HasSubstr("number of heads")) << "a delta of version 1.0";
}

TEST(Delta, needs_as_many_heads_as_its_base_has_and_not_as_that_has_tokens) {
  for (const bool two : {false, true}) {
    const SmallDelta delta("bitfit");
    models::VitConfig sizes = SmallCheckpoint::sizes();
    sizes.distillation_token = true, sizes.distillation_head = two;
    engine::NamedTensors base = SmallCheckpoint::state(sizes);
    engine::write_safetensors(delta / "model.safetensors", base, {{"num_heads", "3"}});
    const std::string kind = two ? "DeiTForImageClassificationWithTeacher" : "DeiTForImageClassification";
    put(delta / "config.json",
        R"({"model_type":"deit","architectures":[")" + kind + R"("],"num_attention_heads":3})");
    delta.make("bitfit");
    EXPECT_EQ(delta.error(), "");
    const LoadedModel tuned = load_tuned_model(delta.config().model, delta / "delta.safetensors", false);
    EXPECT_EQ(tuned.model.config().distillation_head, two);
  }
}

TEST(Delta, of_images_beyond_what_its_base_could_have_needs_a_word) {
  const SmallDelta delta("bitfit");
  const auto of_size = [](data::ImageSize size) {
    return engine::Metadata{{"preprocessing", preprocessing_json({.size = size})}};
  };
  delta.change("", of_size(64));
  EXPECT_EQ(delta.error(), "");
  delta.change("", of_size(1024));
  EXPECT_THAT(delta.error(), AllOf(HasSubstr("image_size is 1024"), HasSubstr("--image-size")));
  ModelSource source = delta.config().model;
  source.image_size = 1024;
  EXPECT_NO_THROW(load_tuned_model(source, delta / "delta.safetensors", false));
  delta.change("", of_size({16, 64}));
  EXPECT_EQ(delta.error(), "");
  for (const data::ImageSize beyond : {data::ImageSize{16, 1024}, data::ImageSize{1024, 16}}) {
    delta.change("", of_size(beyond));
    EXPECT_THAT(delta.error(), AllOf(HasSubstr(engine::say("image_size is", beyond, "where")),
                                     HasSubstr(engine::say("--image-size", beyond, "takes"))));
    source.image_size = beyond;
    EXPECT_NO_THROW(load_tuned_model(source, delta / "delta.safetensors", false));
    source.image_size = {beyond.width, beyond.height};
    EXPECT_THAT(support::error_of([&] { load_tuned_model(source, delta / "delta.safetensors", false); }),
                HasSubstr("image_size is"));
  }
}

TEST(Delta, of_large_images_has_their_positions_or_is_refused_before_memory_is_taken_for_them) {
  const SmallDelta delta("full");
  EXPECT_EQ(delta.error(), "");
  delta.change("", {{"preprocessing", preprocessing_json({.size = 2048})}});
  EXPECT_THAT(delta.error(), HasSubstr("image_size is 2048"));
}

}  // namespace
}  // namespace training
