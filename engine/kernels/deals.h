#pragma once

#include "engine/kernels/block_product.h"

namespace engine::kernels {

// A product dealt out to tasks, in the four ways of Blocking::Deal and of a right-hand side that is packed
// already. Each writes all of c, with its epilogue.

/// Many rows: they are dealt out, b is packed for all tasks.
template <class T>
void deal_rows(const Product<T>& p, const Matrix<T>& b);

/// A wide c of few rows: columns are dealt out to tasks, each of which packs its own.
template <class T>
void deal_columns(const Product<T>& p, const Matrix<T>& b);

/// A small c over a long depth: every block of depth is a task; then the blocks' sums are added in order.
template <class T>
void deal_depth(const Product<T>& p, const Matrix<T>& b);

/// Rows, or columns where rows are few, of a product whose right-hand side is packed.
template <class T>
void deal_packed(const Product<T>& p, const Panels<T>& b);

/// The sketches of all rows of a.
template <class T>
void sketch_all(const Product<T>& p);

}  // namespace engine::kernels
