package dev.libretto.generate;

import dev.libretto.text.CounterRandom;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A text that is being written: chooses each character, and passes it on once it cannot belong to a stop text. */
final class Row {
    /** Ends a text that cannot go on. */
    private static final ScoredCharacter NOTHING = new ScoredCharacter(Ids.NONE, 0);

    private final int sample;
    private final Decoder.Options options;
    private final Consumer<ScoredCharacter> written;
    private final History text;
    /** The last characters, if they may turn out to be a stop text. */
    private final List<ScoredCharacter> held = new ArrayList<>();

    /** Ends a document; NONE without them. */
    private final int documentEnd;

    /** The position of the first random number. */
    private final int first;

    private int last;
    private int position;
    /** Null while the text goes on. */
    private End end;

    /** @param written receives each character that is part of the text */
    Row(TextModel model, int[] prefix, int sample, Decoder.Options options, Consumer<ScoredCharacter> written) {
        this.sample = sample;
        this.options = options;
        this.written = written;
        this.documentEnd = model.config().end();
        this.last = Decoder.lastOf(prefix, model);
        this.first = model.positionAfter(prefix);
        this.text = History.of(model, prefix, options.sampler());
        this.end = options.length() == 0 ? End.LENGTH : null;
    }

    int last() {
        return last;
    }

    /** Returns why the text ended; null while it goes on. */
    End end() {
        return end;
    }

    ScoredCharacter choose(float[] logits) {
        double uniform = CounterRandom.uniform(options.seed(), sample, first + position);
        int id = options.sampler().sample(logits, text, uniform);
        return id == Ids.NONE ? NOTHING : options.scored(logits, id);
    }

    /** Adds the next character; ignores those after the end. */
    void accept(ScoredCharacter character) {
        if (end != null) {
            return;
        }
        if (character == NOTHING || character.id() == documentEnd) {
            end = character == NOTHING ? End.NO_CHARACTER : End.DOCUMENT_END;
            pass(held.size());
            return;
        }
        last = character.id();
        text.add(last);
        position++;
        held.add(character);
        int stopLength = lengthOfStop();
        if (stopLength > 0) {
            end = End.STOP;
            pass(held.size() - stopLength);
        } else if (position == options.length()) {
            end = End.LENGTH;
            pass(held.size());
        } else {
            pass(held.size() - lengthOfBegunStop());
        }
    }

    private void pass(int count) {
        held.subList(0, count).forEach(written);
        held.subList(0, count).clear();
    }

    /** Returns the length of the longest stop text that ends here; 0 if none does. */
    private int lengthOfStop() {
        int longest = 0;
        for (int[] stop : options.stop()) {
            if (stop.length > longest && stop.length <= held.size() && beginsWith(stop, stop.length)) {
                longest = stop.length;
            }
        }
        return longest;
    }

    /** Returns how many of the last characters are the longest beginning of a stop text. */
    private int lengthOfBegunStop() {
        int longest = 0;
        for (int[] stop : options.stop()) {
            int length = Math.min(stop.length - 1, held.size());
            while (length > longest && !beginsWith(stop, length)) {
                length--;
            }
            longest = Math.max(longest, length);
        }
        return longest;
    }

    /** Returns whether a stop text begins with the last {@code length} characters. */
    private boolean beginsWith(int[] stop, int length) {
        int first = held.size() - length;
        for (int i = 0; i < length; i++) {
            if (held.get(first + i).id() != stop[i]) {
                return false;
            }
        }
        return true;
    }
}
