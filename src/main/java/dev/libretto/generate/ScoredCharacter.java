package dev.libretto.generate;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A character and its probability according to the model, before a sampler adjusts it.
 *
 * @param logProbability the natural logarithm; 0 if not requested
 * @param top the most likely characters in its place, the most likely first; as many as requested
 */
public record ScoredCharacter(int id, float logProbability, List<ScoredCharacter> top) {
    ScoredCharacter(int id, float logProbability) {
        this(id, logProbability, List.of());
    }

    /** @param top the number of most likely characters */
    static ScoredCharacter of(float[] logits, int id, int top) {
        double logSum = Logits.logSum(logits);
        List<ScoredCharacter> likely = top == 0
                ? List.of()
                : IntStream.of(Logits.largest(logits, top))
                        .mapToObj(other -> new ScoredCharacter(other, (float) (logits[other] - logSum)))
                        .toList();
        return new ScoredCharacter(id, (float) (logits[id] - logSum), likely);
    }
}
