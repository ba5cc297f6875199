// An exported tagger from C++ with OpenVINO, all of which "pip install openvino" brings:
//
//   OV=$(python -c 'import openvino, os; print(os.path.dirname(openvino.__file__))')
//   c++ -std=c++17 tag_with_openvino.cpp -I $OV/include $OV/libs/libopenvino.so.* -o tag
//   LD_LIBRARY_PATH=$OV/libs ./tag tagger.onnx < hits.txt
#include <iostream>

#include <openvino/openvino.hpp>

#include "hits.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: tag MODEL.onnx < hits.txt\n";
    return 2;
  }
  auto hits = Hits::read(std::cin);
  try {
    // Some processors would be asked for half precision, with which scores agree less well.
    auto precision = ov::hint::inference_precision(ov::element::f32);
    auto request = ov::Core().compile_model(argv[1], "CPU", precision).create_infer_request();
    const ov::Shape shape{1, hits.eta.size()};
    request.set_tensor("eta", ov::Tensor(ov::element::f32, shape, hits.eta.data()));
    request.set_tensor("phi", ov::Tensor(ov::element::f32, shape, hits.phi.data()));
    request.set_tensor("energy", ov::Tensor(ov::element::f32, shape, hits.energy.data()));
    request.set_tensor("channel", ov::Tensor(ov::element::i64, shape, hits.channel.data()));
    request.infer();
    std::cout << request.get_tensor("probability").data<float>()[0]
              << (request.get_tensor("out_of_distribution").data<bool>()[0] ? " unlike the training jets" : "")
              << "\n";
  } catch (const ov::Exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
