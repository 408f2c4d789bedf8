"""A telephone to try the line with: it speaks HTTP only and could ring another line."""
