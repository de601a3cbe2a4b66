import ConvNetTestSupport
import Foundation

/// Changes the values of a JSON text rather than its letters, so that it stays JSON: numbers become
/// awkward ones, texts others of the same text, members and elements vanish, double or change places.
enum JSONMutator {
  static func mutant(of text: String, _ mutator: inout Mutator) -> String {
    guard
      var value = try? JSONSerialization.jsonObject(
        with: Data(text.utf8), options: [.fragmentsAllowed])
    else { return text }
    var texts: [String] = []
    collect(value, into: &texts)
    for _ in 0...mutator.integer(below: 3) { mutate(&value, texts, &mutator) }
    guard
      let data = try? JSONSerialization.data(
        withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
    else { return text }
    return String(decoding: data, as: UTF8.self)
  }

  private static func collect(_ value: Any, into texts: inout [String]) {
    if let text = value as? String { texts.append(text) }
    if let list = value as? [Any] { for element in list { collect(element, into: &texts) } }
    if let members = value as? [String: Any] {
      for key in members.keys.sorted() {
        texts.append(key)
        if let member = members[key] { collect(member, into: &texts) }
      }
    }
  }

  private static let integers = [
    0, 1, 2, 3, 7, -1, -2, 13, 64, 65_536, 1 << 30, 1 << 31, 1 << 32, 1 << 53, 1 << 62, Int.max,
    Int.min,
  ]
  private static let fractions = [0.5, -0.5, 1e-30, 1e30, 1e300]

  private static func mutate(_ value: inout Any, _ texts: [String], _ mutator: inout Mutator) {
    // Goes down most of the time.
    let descends = mutator.integer(below: 8) != 0
    if descends, var list = value as? [Any], !list.isEmpty {
      let index = mutator.integer(below: list.count)
      switch mutator.integer(below: 12) {
      case 0: list.remove(at: index)
      case 1: list.insert(list[index], at: index)
      case 2: list.swapAt(index, mutator.integer(below: list.count))
      case 3: for _ in 0..<mutator.integer(below: 12) { list.append(list[index]) }
      default: mutate(&list[index], texts, &mutator)
      }
      value = list
    } else if descends, var members = value as? [String: Any], !members.isEmpty {
      let keys = members.keys.sorted()
      let key = keys[mutator.integer(below: keys.count)]
      switch mutator.integer(below: 12) {
      case 0: members[key] = nil
      case 1: members[keys[mutator.integer(below: keys.count)]] = members[key]
      case 2: members[text(texts, &mutator)] = members[key]
      default:
        guard var member = members[key] else { return }
        mutate(&member, texts, &mutator)
        members[key] = member
      }
      value = members
    } else {
      switch mutator.integer(below: 6) {
      case 0: value = text(texts, &mutator)
      case 1 where value is String: value = text(texts, &mutator)
      case 1: value = NSNull()
      case 2: value = [value]
      case 3: value = fractions[mutator.integer(below: fractions.count)]
      default: value = integers[mutator.integer(below: integers.count)]
      }
    }
  }

  private static func text(_ texts: [String], _ mutator: inout Mutator) -> String {
    texts.isEmpty ? "" : texts[mutator.integer(below: texts.count)]
  }
}
