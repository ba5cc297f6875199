// One event's hits as the exported taggers want them; see docs/deployment.md.
#pragma once

#include <cstdint>
#include <istream>
#include <vector>

struct Hits {
  std::vector<float> eta, phi, energy;  // from the window's centre (phi in rad); GeV
  std::vector<std::int64_t> channel;

  // Lines of "eta phi energy channel".
  static Hits read(std::istream& lines) {
    Hits hits;
    float eta, phi, energy;
    std::int64_t channel;
    while (lines >> eta >> phi >> energy >> channel) hits.add(eta, phi, energy, channel);
    if (hits.eta.empty()) hits.add(0, 0, 0, -1);  // at least one column; -1 is padding
    return hits;
  }

  void add(float at_eta, float at_phi, float of, std::int64_t in) {
    eta.push_back(at_eta);
    phi.push_back(at_phi);
    energy.push_back(of);
    channel.push_back(in);
  }
};
