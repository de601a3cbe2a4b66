import COneDNN
import ConvNetTensors

/// Refuses a plan in which a step takes memory for laid out otherwise than it is.
///
/// Two layouts agree where they put every element at the same place: of an axis of one element the stride is nothing. Memory has
/// the layout of the step that touches it first; whoever touches the same extents there later must agree with that, but for
/// views, by which a value of the same elements in another order is meant. What a primitive was compiled for must agree with
/// the memory that it is given: of a workspace it alone knows the layout.
package struct PlacementVerifier {
  /// Memory that steps have in common.
  fileprivate struct Region: Hashable {
    var buffer: Int
    var offset: Int
    var extents: [Int]
  }

  private var first: [Region: (operation: String, layout: Layout)] = [:]

  /// - Parameter steps: in the order in which they run.
  /// - Throws: ``EngineError`` that names both steps.
  package static func verify(_ steps: [Step]) throws {
    var verifier = PlacementVerifier()
    for step in steps { try verifier.verify(step) }
  }

  private mutating func verify(_ step: Step) throws {
    if case .primitive(let primitive, let arguments) = step.work {
      for (argument, place) in arguments where argument != CDNN_SCRATCHPAD {
        let shape = place.layout.shape
        guard let compiled = try primitive.layout(of: argument, shape: shape),
          compiled != place.layout
        else { continue }
        let region = Region(place)
        throw Self.disagreement(
          step, place, first[region]?.operation ?? step.operation, place.layout, compiled)
      }
    }
    for place in step.sharedPlaces where !place.isView {
      let region = Region(place)
      guard let (operation, layout) = first[region] else {
        first[region] = (step.operation, place.layout)
        continue
      }
      if layout != place.layout {
        throw Self.disagreement(step, place, operation, layout, place.layout)
      }
    }
  }

  private static func disagreement(
    _ step: Step, _ place: Place, _ writer: String, _ written: Layout, _ read: Layout
  ) -> EngineError {
    EngineError(
      subject: step.operation,
      problem: .layoutsDiffer(
        shape: place.layout.shape, writer: writer, written: written.description,
        read: read.description))
  }
}

extension PlacementVerifier.Region {
  fileprivate init(_ place: Place) {
    self.init(
      buffer: place.buffer, offset: place.offset, extents: place.layout.shape.dimensions)
  }
}
