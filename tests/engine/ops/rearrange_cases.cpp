#include "engine/ops/rearrange.h"

#include "tests/engine/ops/cases.h"

namespace engine::cases {
namespace {

OpCase insert(std::string name, Shape x, Shape tokens, Index at, bool large = false) {
  return {.op = "insert_tokens",
          .name = std::move(name),
          .shapes = {std::move(x), std::move(tokens)},
          .run = [at](std::span<const Tensor> in) { return insert_tokens(in[0], in[1], at); },
          .large = large};
}
OpCase removal(std::string name, Shape x, Index at, Index count, bool large = false) {
  return {.op = "remove_tokens",
          .name = std::move(name),
          .shapes = {std::move(x)},
          .run = [at, count](std::span<const Tensor> in) { return remove_tokens(in[0], at, count); },
          .large = large};
}
Tensor positions(std::span<const Tensor> in) {
  return add_positions(in[0], in[1]);
}

OpCase cut(std::string name, Shape images, Index side, bool large = false) {
  return {.op = "patches",
          .name = std::move(name),
          .shapes = {std::move(images)},
          .run = [side](std::span<const Tensor> in) { return patches(in[0], side); },
          .large = large};
}

OpCase kept(std::string name, Shape images, Index side, Index patches, Index count, bool large = false) {
  return {.op = "keep_patches",
          .name = std::move(name),
          .shapes = {images},
          .run = [=, places = some_patches(images[0], patches, count)](
                     std::span<const Tensor> in) { return keep_patches(in[0], side, places); },
          .large = large};
}

/// Positions of `prefix` tokens and `patches` patches, of which `count` are there.
OpCase kept_positions(std::string name, Index n, Index prefix, Index patches, Index count, Index width,
                      bool large = false) {
  return {.op = "add_positions",
          .name = std::move(name),
          .shapes = {{n, prefix + count, width}, {1, prefix + patches, width}},
          .run = [places = some_patches(n, patches, count)](
                     std::span<const Tensor> in) { return add_positions(in[0], in[1], places); },
          .large = large};
}

OpCase times(std::string name, Shape x, Index count, bool large = false) {
  return {.op = "repeat",
          .name = std::move(name),
          .shapes = {std::move(x)},
          .run = [count](std::span<const Tensor> in) { return repeat(in[0], count); },
          .large = large};
}

OpCase token(std::string name, Shape x, Index index) {
  return {.op = "select_token",
          .name = std::move(name),
          .shapes = {std::move(x)},
          .run = [index](std::span<const Tensor> in) { return select_token(in[0], index); }};
}

}  // namespace

std::vector<OpCase> rearrange_cases() {
  return {
      {.op = "reshape",
       .name = "three_axes_to_two",
       .shapes = {{3, 5, 2}},
       .run =
           [](std::span<const Tensor> in) {
             return reshape(in[0], {3, 10});
           }},
      cut("one_number", {1, 1, 1, 1}, 1),
      cut("of_one_pixel", {2, 3, 2, 5}, 1),
      cut("wider_than_high", {2, 3, 6, 9}, 3),
      cut("whole_image", {1, 2, 4, 4}, 4),
      cut("many", {3, 3, 32, 48}, 8, true),
      kept("one_of_two", {1, 1, 1, 2}, 1, 2, 1),
      kept("and_pixels_beyond_the_last_patch", {3, 2, 5, 7}, 2, 6, 4),
      kept("of_many", {5, 3, 32, 48}, 8, 24, 11, true),
      insert("one_number", {1, 1, 1}, {1, 1, 1}, 0),
      insert("in_front", {3, 7, 5}, {1, 1, 5}, 0),
      insert("several_inside", {3, 7, 5}, {1, 3, 5}, 1),
      insert("at_the_end", {2, 3, 4}, {1, 2, 4}, 3),
      insert("large_batch", {67, 2, 300}, {1, 3, 300}, 1, true),
      removal("in_front", {3, 7, 5}, 0, 1),
      removal("several_inside", {3, 7, 5}, 1, 3),
      removal("at_the_end", {2, 5, 4}, 3, 2),
      removal("large_batch", {67, 5, 300}, 1, 3, true),
      {.op = "add_positions", .name = "one_number", .shapes = {{1, 1, 1}, {1, 1, 1}}, .run = positions},
      {.op = "add_positions", .name = "prime", .shapes = {{3, 5, 7}, {1, 5, 7}}, .run = positions},
      {.op = "add_positions",
       .name = "large_batch",
       .shapes = {{67, 3, 101}, {1, 3, 101}},
       .run = positions,
       .large = true},
      kept_positions("of_kept_patches", 3, 2, 7, 4, 5),
      kept_positions("of_kept_patches_alone", 2, 0, 3, 1, 4),
      kept_positions("of_kept_patches_of_many", 67, 1, 12, 6, 101, true),
      times("once", {2, 3}, 1),
      times("three_times", {2, 5, 3}, 3),
      times("many_times", {1, 31, 17}, 67, true),
      token("only_one", {2, 1, 3}, 0),
      token("first", {3, 5, 7}, 0),
      token("last", {3, 5, 7}, 4),
      cut("pixels_beyond_the_last_patch", {2, 3, 7, 8}, 3),
      {.op = "mean_tokens",
       .name = "last_four",
       .shapes = {{3, 5, 7}},
       .run = [](std::span<const Tensor> in) { return mean_tokens(in[0], 1, 4); }},
      {.op = "mean_tokens",
       .name = "of_many",
       .shapes = {{67, 50, 33}},
       .run = [](std::span<const Tensor> in) { return mean_tokens(in[0], 1, 49); },
       .large = true},
      {.op = "join",
       .name = "one_axis",
       .shapes = {{3}, {5}},
       .run = [](std::span<const Tensor> in) { return join(in[0], in[1]); }},
      {.op = "join",
       .name = "rows",
       .shapes = {{4, 3}, {4, 5}},
       .run = [](std::span<const Tensor> in) { return join(in[0], in[1]); }},
  };
}

}  // namespace engine::cases
