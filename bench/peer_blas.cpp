#include "bench/peer_blas.h"

#include <dlfcn.h>

#include <iostream>

namespace bench {

namespace {

constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;  // of cblas.h

struct Library {
  const char *name, *file;
};
constexpr Library kLibraries[] = {
    {"OpenBLAS", "libopenblas.so.0"}, {"BLIS", "libblis.so.4"}, {"MKL", "libmkl_rt.so.3"}};

}  // namespace

void PeerBlas::multiply(const Product& p, Operands& o) const {
  const int m = static_cast<int>(p.m), n = static_cast<int>(p.n), k = static_cast<int>(p.k);
  sgemm_(kRowMajor, p.a_transposed() ? kTransposed : kPlain, p.b_transposed() ? kTransposed : kPlain, m, n, k,
         1, o.a.data<float>().data(), p.a_transposed() ? m : k, o.b.data<float>().data(),
         p.b_transposed() ? k : n, 0, o.c.data<float>().data(), n);
}

std::vector<PeerBlas> open_peers() {
  std::vector<PeerBlas> peers;
  for (const Library& library : kLibraries) {
    PeerBlas peer;
    peer.name_ = library.name;
    if (void* handle = dlopen(library.file, RTLD_NOW | RTLD_LOCAL))
      peer.sgemm_ = reinterpret_cast<PeerBlas::Sgemm>(dlsym(handle, "cblas_sgemm"));
    if (peer.sgemm_)
      peers.push_back(peer);
    else
      std::cerr << library.name << " is left out: there is no " << library.file << " with cblas_sgemm\n";
  }
  return peers;
}

}  // namespace bench
