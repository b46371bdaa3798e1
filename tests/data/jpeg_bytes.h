#pragma once

#include <cstdio>  // before jpeglib.h, which uses it
#include <cstdlib>

#include <jpeglib.h>

#include <utility>
#include <vector>

#include "tests/data/bytes.h"

namespace data {

/// How libjpeg writes an image.
struct JpegForm {
  J_COLOR_SPACE samples = JCS_RGB, stored = JCS_YCbCr;
  bool progressive = false, arithmetic = false;
};

/// A JPEG of `width` x `height` pixels with the samples of `pixels`, [height, width, channels].
inline std::string jpeg(Index width, Index height, const std::vector<std::uint8_t>& pixels,
                        const JpegForm& form = {}) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.in_color_space = form.samples;
  info.input_components = form.samples == JCS_GRAYSCALE ? 1 : form.samples == JCS_CMYK ? 4 : 3;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, form.stored);
  jpeg_set_quality(&info, 95, TRUE);
  info.arith_code = form.arithmetic;
  if (form.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  const std::size_t stride = static_cast<std::size_t>(width * info.input_components);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels.data() + info.next_scanline * stride);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return text;
}

/// A frame header: `marker` names the process; channels are numbered from 1 and all have one table.
inline std::string jpeg_frame(char marker, int bits, std::uint32_t width, std::uint32_t height,
                              int channels = 1) {
  std::string text = std::string("\xff") + marker + big16(static_cast<std::uint32_t>(8 + 3 * channels)) +
                     static_cast<char>(bits) + big16(height) + big16(width) + static_cast<char>(channels);
  for (int c = 1; c <= channels; ++c) text += static_cast<char>(c) + std::string("\x11\x00", 2);
  return text;
}

/// The header of a scan over some channels: coefficients `first` to `last`, and which bits of them.
inline std::string jpeg_scan(const std::string& channels, int first = 0, int last = 63, int bits = 0) {
  std::string text = "\xff\xda" + big16(static_cast<std::uint32_t>(6 + 2 * channels.size())) +
                     static_cast<char>(channels.size());
  for (const char channel : channels) text += channel + std::string(1, '\0');
  return text + static_cast<char>(first) + static_cast<char>(last) + static_cast<char>(bits);
}

/// A table of Huffman codes: the code 0 for `symbol`, and no other.
inline std::string jpeg_table(char id, char symbol) {
  return "\xff\xc4" + big16(2 + 17 + 1) + id + '\1' + std::string(15, '\0') + symbol;
}

/// A table of divisors that are all 1.
inline const std::string kJpegDivisors = "\xff\xdb" + big16(2 + 65) + '\0' + std::string(64, '\1');
inline const std::string kJpegStart = "\xff\xd8", kJpegEnd = "\xff\xd9";

}  // namespace data
