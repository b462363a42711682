namespace Emu.Translator.Passes;

/// <summary>The numbers below <paramref name="count"/> that are still to be looked at, each once at a time; all of them at first.</summary>
sealed class Worklist(int count)
{
    readonly Queue<int> pending = new(Enumerable.Range(0, count));
    readonly bool[] isPending = [.. Enumerable.Repeat(true, count)];

    public void Add(int n)
    {
        if (isPending[n]) return;
        isPending[n] = true;
        pending.Enqueue(n);
    }

    /// <summary>Looks at each until none is left; whatever is looked at may add others.</summary>
    public void Run(Action<int> look)
    {
        while (pending.TryDequeue(out int n))
        {
            isPending[n] = false;
            look(n);
        }
    }
}
