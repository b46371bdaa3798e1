#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace support {

/// `value` in so many bytes, the lowest first.
inline std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xff);
  return text;
}

/// What zlib makes of some bytes as a raw DEFLATE stream.
inline std::string deflated(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// A member to be: what its headers claim may be set to other than is so.
struct ZipPart {
  std::string name, content;
  bool deflate = false, zip64 = false;
  int method = -1, flags = 0, disk = 0;
  std::int64_t size = -1, packed = -1, offset = -1, crc = -1;  ///< claims; -1: the truth
  std::string local_name = {};                                 ///< another in its own header
};

/// A zip archive with these members. With `zip64` the end record, too, has its numbers in 64 bits.
inline std::string zip_of(const std::vector<ZipPart>& parts, bool zip64 = false) {
  std::string data, directory;
  for (const ZipPart& part : parts) {
    const std::string packed = part.deflate ? deflated(part.content) : part.content;
    const auto or_claim = [](std::int64_t claim, std::uint64_t truth) {
      return claim < 0 ? truth : static_cast<std::uint64_t>(claim);
    };
    const std::uint64_t size = or_claim(part.size, part.content.size()),
                        packed_size = or_claim(part.packed, packed.size()),
                        offset = or_claim(part.offset, data.size()),
                        method = or_claim(part.method, part.deflate ? 8 : 0),
                        crc =
                            or_claim(part.crc, crc32_z(0, reinterpret_cast<const Bytef*>(part.content.data()),
                                                       part.content.size()));
    const std::string wide = little(size, 8) + little(packed_size, 8) + little(offset, 8);
    const std::string extra = part.zip64 ? little(1, 2) + little(24, 2) + wide : "";
    const auto narrow = [&](std::uint64_t value) { return little(part.zip64 ? 0xffffffff : value, 4); };
    const std::string common = little(20, 2) + little(static_cast<std::uint64_t>(part.flags), 2) +
                               little(method, 2) + std::string("\0\0\x21\0", 4) + little(crc, 4) +
                               narrow(packed_size) + narrow(size);
    const std::string local = part.local_name.empty() ? part.name : part.local_name;
    data += "PK\x03\x04" + common + little(local.size(), 2) + little(0, 2) + local + packed;
    directory += std::string("PK\x01\x02") + little(20, 2) + common + little(part.name.size(), 2) +
                 little(extra.size(), 2) + little(0, 2) + little(static_cast<std::uint64_t>(part.disk), 2) +
                 std::string(6, '\0') + narrow(offset) + part.name + extra;
  }
  const std::uint64_t count = parts.size(), end = data.size() + directory.size();
  std::string behind;
  if (zip64) {
    behind = "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(count, 8) +
             little(count, 8) + little(directory.size(), 8) + little(data.size(), 8);
    behind += "PK\x06\x07" + little(0, 4) + little(end, 8) + little(1, 4);
  }
  const auto or_ones = [&](std::uint64_t value, int bytes) {
    return little(zip64 ? ~std::uint64_t{0} : value, bytes);
  };
  return data + directory + behind + "PK\x05\x06" + little(0, 4) + or_ones(count, 2) + or_ones(count, 2) +
         or_ones(directory.size(), 4) + or_ones(data.size(), 4) + little(0, 2);
}

/// A .npy array with that header's text, filled with spaces to whole 64 bytes, and these bytes as values.
inline std::string npy_of(const std::string& dictionary, const std::string& values, int version = 1) {
  const int bytes = version == 1 ? 2 : 4;
  std::string text = dictionary;
  while ((text.size() + 9 + static_cast<std::size_t>(bytes)) % 64 != 0) text += ' ';
  text += '\n';
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' + little(text.size(), bytes) + text +
         values;
}

/// The dictionary of an array: dictionary("<f4", "(2, 3)").
inline std::string dictionary(const std::string& descr, const std::string& shape,
                              bool fortran_order = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran_order ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

}  // namespace support
