package dev.libretto.generate;

import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * What a model computes while it reads a text: how likely it finds each of T characters, and the state after it.
 *
 * @param characters with the likeliest others in each one's place; the log-probability is NaN if the character is not predicted:
 *     the first one, and those that the model does not know
 * @param states the arrays of the state, {@code [T, H]} each, those of the first layer first
 */
public record Inspection(List<ScoredCharacter> characters, List<float[]> states) {
    /**
     * Reads a text.
     *
     * @param ids the text; {@link Ids#NONE} for characters that the model does not know, which it skips
     * @param others how many of the likeliest others to give in each character's place
     * @throws CancellationException if the thread is interrupted
     */
    public static Inspection of(TextModel model, int[] ids, int others) {
        List<float[]> state = model.zeroState(1);
        List<float[]> states = state.stream()
                .map(array -> new float[Math.multiplyExact(ids.length, array.length)])
                .toList();
        float[] logits = null;
        for (int id : model.beginning()) {
            TextModel.Step step = model.step(new int[] {id}, state);
            logits = step.logits();
            state = step.state();
        }
        List<ScoredCharacter> characters = new ArrayList<>();
        for (int t = 0; t < ids.length; t++) {
            if (Thread.currentThread().isInterrupted()) {
                throw new CancellationException("interrupted");
            }
            characters.add(
                    logits == null || ids[t] == Ids.NONE
                            ? new ScoredCharacter(ids[t], Float.NaN)
                            : withOthers(logits, ids[t], others));
            if (ids[t] != Ids.NONE) {
                TextModel.Step step = model.step(new int[] {ids[t]}, state);
                logits = step.logits();
                state = step.state();
            }
            for (int i = 0; i < states.size(); i++) {
                float[] array = state.get(i);
                System.arraycopy(array, 0, states.get(i), t * array.length, array.length);
            }
        }
        return new Inspection(characters, states);
    }

    private static ScoredCharacter withOthers(float[] logits, int id, int others) {
        ScoredCharacter scored = ScoredCharacter.of(logits, id, others == 0 ? 0 : others + 1);
        return new ScoredCharacter(
                id,
                scored.logProbability(),
                scored.top().stream()
                        .filter(other -> other.id() != id)
                        .limit(others)
                        .toList());
    }
}
