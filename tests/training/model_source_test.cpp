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

TEST(ImageNet, names_the_classes_of_its_own_head_alone) {
  SmallCheckpoint checkpoint;
  models::VitConfig sizes = SmallCheckpoint::sizes();
  sizes.classes = 1000;
  checkpoint.write(SmallCheckpoint::state(sizes), {{"num_heads", "3"}});
  const auto shown = [&](const std::string& config) {
    put(checkpoint / "config.json", config);
    const LoadedModel loaded = checkpoint.load();
    EXPECT_EQ(loaded.shown_classes.empty(), loaded.shown_note.empty()) << config;
    EXPECT_TRUE(loaded.shown_classes.empty() || loaded.classes.empty()) << config;
    return loaded.shown_classes.empty() ? "" : loaded.shown_classes[1];
  };
  const std::string goldfish = "goldfish, Carassius auratus";
  EXPECT_EQ(shown(R"({"pretrained_cfg":{"tag":"augreg_in21k_ft_in1k"}})"), goldfish);
  EXPECT_EQ(shown(R"({"pretrained_cfg":{"tag":"fb_in22k_ft_in1k_384"}})"), goldfish);
  EXPECT_EQ(shown(R"({"pretrained_cfg":{"tag":"in1k"}})"), goldfish);
  for (const char* tag : {"augreg_in21k", "openai", "notin1k", "in1k_ft_flowers", ""})
    EXPECT_EQ(shown(R"({"pretrained_cfg":{"tag":")" + std::string(tag) + "\"}}"), "") << tag;
  std::string names = "\"0\"";
  for (int i = 1; i < 1000; ++i) names += ",\"" + std::to_string(i) + '"';
  EXPECT_EQ(shown(R"({"label_names":[)" + names + R"(],"pretrained_cfg":{"tag":"in1k"}})"), "");
  EXPECT_EQ(shown(R"({"num_attention_heads":3})"), "");
  sizes.classes = 7;
  checkpoint.write(SmallCheckpoint::state(sizes), {{"num_heads", "3"}});
  EXPECT_EQ(shown(R"({"pretrained_cfg":{"tag":"in1k"}})"), "");
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

/// The small checkpoint with another tensor in the place of one, or without it when that is not given.
engine::NamedTensors with(const std::string& name, engine::Tensor other, engine::NamedTensors state) {
  std::erase_if(state, [&](const auto& entry) { return entry.first == name; });
  if (other.defined()) state.emplace_back(name, std::move(other));
  return state;
}

TEST(Config, of_a_type_that_pools_the_class_token_takes_no_head_for_more) {
  SmallCheckpoint checkpoint;
  checkpoint.write(with("head.weight", engine::Tensor::zeros({5, 48}), SmallCheckpoint::state()));
  put(checkpoint / "config.json", R"({"model_type":"vit","num_attention_heads":3})");
  EXPECT_THAT(checkpoint.error(), AllOf(HasSubstr("head.weight"), HasSubstr("states the pooling 'token'")));
}

TEST(Config, of_a_type_whose_class_token_has_a_position_takes_no_positions_of_patches_alone) {
  SmallCheckpoint checkpoint;
  checkpoint.write(with("pos_embed", engine::Tensor::zeros({1, 4, 24}), SmallCheckpoint::state()));
  put(checkpoint / "config.json", R"({"model_type":"vit","num_attention_heads":3})");
  EXPECT_THAT(checkpoint.error(), HasSubstr("should be 'all', but by the tensors they are 'patches'"));
}

TEST(Config, and_tensors_agree_on_the_head_of_a_distillation_token) {
  models::VitConfig distilled = SmallCheckpoint::sizes();
  distilled.distillation_token = distilled.distillation_head = true;
  const engine::NamedTensors two = SmallCheckpoint::state(distilled);
  const engine::NamedTensors one = with("head_dist.bias", {}, with("head_dist.weight", {}, two));
  const auto config = [](const char* name) {
    return R"({"model_type":"deit","num_attention_heads":3,"architectures":["DeiTForImageClassification)" +
           std::string(name) + "\"]}";
  };
  SmallCheckpoint checkpoint;
  checkpoint.write(two);
  put(checkpoint / "config.json", config("WithTeacher"));
  EXPECT_EQ(checkpoint.load().model.heads().size(), 2u);
  put(checkpoint / "config.json", config(""));
  EXPECT_THAT(checkpoint.error(), HasSubstr("states one head"));
  checkpoint.write(one);
  EXPECT_EQ(checkpoint.load().model.heads().size(), 1u);
  put(checkpoint / "config.json", config("WithTeacher"));
  EXPECT_THAT(checkpoint.error(), HasSubstr("states two heads"));
}

TEST(Config, whose_sources_contradict_each_other_is_noted_with_the_one_that_counts) {
  SmallCheckpoint checkpoint;
  const auto notes = [&](const std::string& config, const std::string& processor = "") {
    std::filesystem::remove(checkpoint / "preprocessor_config.json");
    if (!processor.empty()) put(checkpoint / "preprocessor_config.json", processor);
    put(checkpoint / "config.json", config);
    checkpoint.load();
    return checkpoint.notes;
  };
  const std::string cfg = R"("input_size":[3,16,16],"mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5])";
  const auto timm = [&](const std::string& args, const std::string& root, const std::string& more) {
    return R"({"model_args":{"num_heads":3)" + args + "}" + root + R"(,"pretrained_cfg":{)" + cfg + more +
           "}}";
  };
  const std::string abcde = R"(["a","b","c","d","e"])", edcba = R"(["e","d","c","b","a"])";
  const std::string vit =
      R"({"image_processor_type":"ViTImageProcessor","size":16,"resample":3,"image_mean":)";

  EXPECT_THAT(notes(timm("", "", ""), vit + "[0.5,0.5,0.5]}"), testing::IsEmpty());
  EXPECT_THAT(notes(timm("", "", ""), vit + "[0.1,0.1,0.1]}"),
              testing::ElementsAre(AllOf(HasSubstr("with another mean: "), HasSubstr("config.json counts"))));
  EXPECT_EQ(checkpoint.load().preprocessing.mean[0], 0.5f);
  EXPECT_THAT(notes(timm("", "", ""), R"({"image_processor_type":"LevitImageProcessor"})"),
              testing::IsEmpty());

  EXPECT_THAT(notes(timm("", ",\"label_names\":" + abcde, ",\"label_names\":" + abcde)), testing::IsEmpty());
  EXPECT_THAT(notes(timm("", ",\"label_names\":" + abcde, ",\"label_names\":" + edcba)),
              testing::ElementsAre(HasSubstr(
                  "label_names and pretrained_cfg.label_names name other classes; the former counts")));
  EXPECT_EQ(checkpoint.load().classes[0], "a");

  const std::string tiny = R"("architecture":"vit_tiny_patch16_224)";
  EXPECT_THAT(notes(timm(R"(,"num_classes":5)", "", "")), testing::IsEmpty());
  EXPECT_THAT(notes(timm(R"(,"num_classes":7)", "", "")),
              testing::ElementsAre(HasSubstr("model_args.num_classes is 7 but the tensors are of 5")));

  const std::string sizes = R"(,"embed_dim":24,"depth":2,"patch_size":8,"img_size":16,"mlp_ratio":2)";
  EXPECT_THAT(notes(timm(sizes, "," + tiny + "\"", "," + tiny + ".augreg_in21k\"")), testing::IsEmpty());
  EXPECT_THAT(
      notes(timm(sizes, "," + tiny + "\"", R"(,"architecture":"vit_small_patch16_224")")),
      testing::ElementsAre(HasSubstr("architecture is 'vit_tiny_patch16_224' but "
                                     "'vit_small_patch16_224' in pretrained_cfg; the former counts")));

  const auto numbered = [&](const std::string& places) {
    return R"({"num_attention_heads":3,"id2label":{"0":"a","1":"b","2":"c","3":"d","4":"d"},"label2id":)" +
           places + "}";
  };
  const auto without_contradiction = testing::Not(testing::Contains(HasSubstr("label2id")));
  EXPECT_THAT(notes(numbered(R"({"a":0,"b":"1","c":2,"d":4})")), without_contradiction);
  EXPECT_THAT(
      notes(numbered(R"({"a":1,"b":0})")),
      testing::Contains(HasSubstr("label2id has 'a' at place '1', where id2label has 'b'; id2label")));
  EXPECT_THAT(notes(numbered(R"({"a":9})")), testing::Contains(HasSubstr("where id2label has no class;")));
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

TEST(Head, has_the_rows_of_known_names_at_their_classes_and_of_others_at_those_it_does_not_know) {
  SmallCheckpoint checkpoint;
  put(checkpoint / "config.json", R"({"model_args":{"num_heads":3},"label_names":["a","b","c","d","e"]})");
  const auto row_of = [](LoadedModel& loaded, std::size_t row) {
    const engine::Tensor& weight = loaded.model.heads()[0]->weight.value();
    const auto values = weight.data<float>().subspan(row * 24, 24);
    return std::vector<float>(values.begin(), values.end());
  };
  LoadedModel before = checkpoint.load();
  const auto rows = [&](const std::vector<std::string>& classes, std::vector<std::string> renamed) {
    LoadedModel loaded = checkpoint.load();
    std::vector<std::string> found;
    for (const RenamedRow& r : order_head_by(loaded, classes)) found.push_back(r.name + " " + r.before);
    EXPECT_EQ(found, renamed);
    EXPECT_EQ(loaded.classes, classes);
    std::string order;
    for (std::size_t i = 0; i < 5; ++i)
      for (std::size_t j = 0; j < 5; ++j)
        if (row_of(loaded, i) == row_of(before, j)) order += before.classes[j];
    return order;
  };
  EXPECT_EQ(rows({"a", "b", "c", "d", "e"}, {}), "abcde");
  EXPECT_EQ(rows({"e", "c", "a", "b", "d"}, {}), "ecabd");
  EXPECT_EQ(rows({"x", "c", "a", "y", "e"}, {"x b", "y d"}), "bcade");
  EXPECT_EQ(rows({"v", "w", "x", "y", "z"}, {"v a", "w b", "x c", "y d", "z e"}), "abcde");
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
