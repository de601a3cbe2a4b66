import ConvNetTensors

/// Numbers drawn from a seed: what searches are made of.
package struct SeededDraws {
  private var numbers: RandomNumbers

  package init(seed: UInt64) {
    numbers = RandomNumbers(RandomKey(seed: seed, purpose: .input))
  }

  package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &numbers) }

  package mutating func isOne(in chances: Int) -> Bool { below(chances) == 0 }

  package mutating func one<Element>(of elements: [Element]) -> Element {
    elements[below(elements.count)]
  }
}
