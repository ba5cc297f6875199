// An exported tagger from C++: one event's hits from standard input, its score on standard output.
//
//   c++ -std=c++17 tag_with_onnxruntime.cpp -I ORT/include -L ORT/lib -lonnxruntime -o tag
//   ./tag tagger.onnx < hits.txt
#include <array>
#include <iostream>

#include <onnxruntime_cxx_api.h>

#include "hits.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: tag MODEL.onnx < hits.txt\n";
    return 2;
  }
  auto hits = Hits::read(std::cin);
  try {
    Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "tag");
    Ort::Session session(env, argv[1], Ort::SessionOptions{});
    auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const std::array<std::int64_t, 2> shape{1, static_cast<std::int64_t>(hits.eta.size())};
    auto tensor = [&](auto& values) {
      using T = typename std::decay_t<decltype(values)>::value_type;
      return Ort::Value::CreateTensor<T>(memory, values.data(), values.size(), shape.data(), 2);
    };
    const std::array<const char*, 4> inputs{"eta", "phi", "energy", "channel"};
    const std::array<const char*, 2> outputs{"probability", "out_of_distribution"};
    std::array<Ort::Value, 4> given{tensor(hits.eta), tensor(hits.phi), tensor(hits.energy),
                                    tensor(hits.channel)};
    auto found = session.Run(Ort::RunOptions{nullptr}, inputs.data(), given.data(), given.size(),
                             outputs.data(), outputs.size());
    std::cout << found[0].GetTensorData<float>()[0]
              << (found[1].GetTensorData<bool>()[0] ? " unlike the training jets" : "") << "\n";
  } catch (const Ort::Exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
