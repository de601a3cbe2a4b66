import ConvNetServing
import Testing

@Suite("Bytes of bodies in memory") struct BodyBudgetTests {
  @Test("what one gives back another may take, and nobody takes more than there is")
  func shares() {
    let budget = BodyBudget(limit: 10)
    var (one, two) = (budget.share(), budget.share())
    var answers = [one.take(6), two.take(4), two.take(1)]
    one.giveBack()
    answers += [two.take(5), one.take(1)]
    one.giveBack()
    two.giveBack()
    answers.append(one.take(10))
    #expect(answers == [true, true, false, true, false, true])
  }
}
