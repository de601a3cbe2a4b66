package import ConvNetDatasets
import ConvNetImages
package import ConvNetLayers

extension Model {
  /// Data with its classes numbered as the model numbers them: found by name, so that neither
  /// another order nor a class that is missing shifts a label. Of labels and numbers the same; numbers are standardized as the
  /// model says.
  ///
  /// - Parameters:
  ///   - names: what the classes are called; of data without a model before it the data's own.
  ///   - isComplete: whether the data must have every class, as training needs.
  /// - Throws: ``EvaluationError`` with both lists where the data has another class, or too few; with
  ///   the counts where the model's output has another number of classes; where the data is told by something else.
  package func numbering(
    _ data: any Dataset, as names: [String], isComplete: Bool
  ) throws(EvaluationError) -> any Dataset {
    guard data.targetKind == targetKind else {
      throw .otherKind(model: targetKind, data: data.targetKind)
    }
    guard names.count == classCount else {
      throw .classCount(model: classCount, data: data.classNames.count)
    }
    guard let numbered = data.numbered(as: names),
      !isComplete || data.classNames.count == names.count
    else {
      throw targetKind == .classes
        ? .classMismatch(model: names, data: data.classNames)
        : .otherTargets(targetKind, model: names, data: data.classNames)
    }
    return targetScaling.map { numbered.standardized(by: $0) } ?? numbered
  }

  /// - Throws: ``EvaluationError`` where the model tells labels or numbers.
  package func requireClasses() throws(EvaluationError) {
    guard targetKind == .classes else { throw .noClasses(targetKind) }
  }
}
