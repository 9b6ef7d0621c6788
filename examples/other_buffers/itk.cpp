// SPDX-License-Identifier: Apache-2.0
// Buffers of ITK, without a copy: the library reads one itk::Image and writes into another.
#include <itkImage.h>
#include <itkImageRegionIterator.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/linop/fourier.hpp"

using namespace cardiomm;
using image_type = itk::Image<std::complex<float>, 3>;

// An image as (frame, slice, y, x), the same memory: ITK counts axes from x, which is contiguous.
view<complex<float>, 4, host_space> as_image(image_type& image) {
  const auto size = image.GetBufferedRegion().GetSize();
  return borrow(host_space(), reinterpret_cast<complex<float>*>(image.GetBufferPointer()),
                shape<4>{{1, index_t(size[2]), index_t(size[1]), index_t(size[0])}});
}

image_type::Pointer make_image(unsigned nx, unsigned ny, unsigned nz) {
  const auto image = image_type::New();
  image->SetRegions(image_type::SizeType{{nx, ny, nz}});
  image->Allocate();
  return image;
}

int main(int argc, char** argv) {
  runtime guard(argc, argv);
  // A wave of 5 periods along x in slice 2, of 3 along y in slice 0, nothing in slice 1.
  const auto wave = make_image(64, 48, 3), kspace = make_image(64, 48, 3);
  for (itk::ImageRegionIterator<image_type> i(wave, wave->GetBufferedRegion()); !i.IsAtEnd(); ++i) {
    const auto at = i.GetIndex();
    const float x = 2 * float(M_PI) * 5 * float(at[0] - 32) / 64,
                y = 2 * float(M_PI) * 3 * float(at[1] - 24) / 48;
    i.Set(at[2] == 2 ? std::polar(1.f, x) : at[2] == 0 ? std::polar(1.f, y) : 0.f);
  }
  const void* const before = kspace->GetBufferPointer();

  const auto from = as_image(*wave.GetPointer()), to = as_image(*kspace.GetPointer());
  linop::apply(host_space(), linop::fourier_op<float, 4, host_space>(), from, to);

  // `kspace` is an ITK image all the while: two peaks of size sqrt(64 * 48), and zeros.
  double wrong = 0;
  const float peak = std::sqrt(64.f * 48.f);
  for (itk::ImageRegionIterator<image_type> i(kspace, kspace->GetBufferedRegion()); !i.IsAtEnd();
       ++i) {
    const auto at = i.GetIndex();
    const bool here = (at[2] == 2 && at[0] == 32 + 5 && at[1] == 24) ||
                      (at[2] == 0 && at[0] == 32 && at[1] == 24 + 3);
    wrong = std::max(wrong, double(std::abs(i.Get() - (here ? peak : 0.f)) / peak));
  }
  const bool same = kspace->GetBufferPointer() == before && (const void*)to.data() == before;
  std::printf("same memory: %s\n", same ? "yes" : "no");
  std::printf("peaks where ITK expects them: %s\n", wrong < 1e-5 ? "yes" : "no");
  return same && wrong < 1e-5 ? 0 : 1;
}
